"""The cost of playing a tape to its end."""

import contextlib
import json
import os
import socket
import subprocess
import time

import inputs
import measure
from measure import peer, program, run

MEMORY_MIB = 32
CLIENTS = 100
NODE_FRAMES = 30000
UPGRADE = (b"GET /stream HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
           b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")


def replay(tape, *options):
    return [program("evtape-replay"), "--speed", "max", "-q", *options, tape]


def stdout(bench):
    """The whole, and a tenth of the sources, to /dev/null."""
    tape = bench.inputs.tape(bench.large, 1000)
    size = os.path.getsize(bench.inputs.lines(bench.large, 1000))
    tenth = ",".join(str(10001 + i) for i in range(100))
    times = bench.table.turns(lambda: run(replay(tape)).seconds,
                              lambda: run(["zstd", "-dcq", *inputs.segments(tape)]).seconds,
                              lambda: run(replay(tape, "--source", tenth)).seconds)
    bench.table.ratio("replay_stdout", "the whole tape to stdout at max", [t[:2] for t in times], "zstd -dc",
                      ("least", 0.85), (size / 1e6, "MB"))
    bench.table.ratio("replay_tenth", "a tenth of its sources to stdout at max", [(t[2], t[0]) for t in times],
                      "the whole", ("least", 1.0), (bench.large, "frames"))


def _play(bench, argv, path, clients, frames, env=None):
    """The counts of a server's clients, and the seconds from the first byte to the last
    frame."""
    ready = bench.path("ready")
    with measure.Background([a.replace("READY", ready) for a in argv], ready, env) as server:
        return json.loads(measure.output([peer("ws_count"), server.port(), path, str(clients), str(frames)]))


def _each(out, clients, frames, who):
    """Seconds a delivery; they must all have come."""
    if out["frames"] != clients * frames:
        raise SystemExit("bench: %s: %d of %d frames came" % (who, out["frames"], clients * frames))
    return out["seconds"] / out["frames"]


def _serve(tape, clients, *options):
    shared = ["--shared", "--wait-clients", str(clients)] if clients > 1 else []
    return replay(tape, "--listen", "0", "--ready-file", "READY", *shared, *options)


def websocket(bench):
    """To one client, and to a hundred that watch the same deck."""
    for clients, frames in ((1, bench.large), (CLIENTS, bench.small)):
        _websocket(bench, clients, frames)


def _websocket(bench, clients, frames):
    tape, name = bench.inputs.tape(frames, 1000), "websocket_%d" % clients
    what = "over WebSocket at max, %d client%s" % (clients, "s on one deck" if clients > 1 else "")
    missing = []

    def ours():
        out = _play(bench, _serve(tape, clients, "--once"), "/stream", clients, frames)
        missing.append(clients * frames - out["frames"])
        return out["seconds"] / max(1, out["frames"])

    def bare():
        """All of the small input lies in its memory."""
        out = _play(bench, [peer("ws_sender"), bench.inputs.lines(bench.small, 1000), "READY", str(clients)], "/",
                    clients, bench.small)
        return _each(out, clients, bench.small, "the bare server")

    # Node takes minutes where we take seconds, so each of a hundred clients gets fewer
    # frames.
    few = frames if clients == 1 else min(frames, NODE_FRAMES)

    def node():
        out = _play(bench, ["node", os.path.join(measure.TOP, "tests/bench/peers/ws_send.cjs"),
                            bench.inputs.lines(few, 1000), "READY", str(clients)], "/", clients, few, measure.evtest.NODE_ENV)
        return _each(out, clients, few, "Node")

    calls = [ours, bare]
    if measure.there("node") and os.path.isdir(os.path.join(measure.evtest.NODE_ENV["NODE_PATH"], "ws")):
        calls.append(node)
    else:
        bench.table.skip(what + ", Node ws", "nodejs and node-ws are not installed")
    times = bench.table.turns(*calls)
    if node in calls:
        told = "Node ws" if few == frames else "Node ws (%d each)" % few
        bench.table.ratio(name + "_node", what, [(t[0], t[2]) for t in times], told, ("least", 5.0), (1, "frames"))
    bench.table.ratio(name + "_bare", what, [t[:2] for t in times], "no tape, framed before", None, (1, "frames"))
    bench.table.figure(name, what + ": speed", [1e-6 / t[0] for t in times], "M frames/s",
                       ("least", 3.0 if clients > 1 else 1.5))
    bench.table.figure(name + "_missing", what + ": frames that clients did not get", missing, "", ("most", 0))


def memory(bench):
    """The replayer's greatest size, for any tape and any clients."""
    tapes = [("1,000 sources", bench.inputs.tape(bench.large, 1000)),
             ("100,000 sources", bench.inputs.tape(bench.large, 100000)),
             ("six hours", bench.inputs.hours(bench.large, 1000))]
    exchange = bench.inputs.exchange()
    if exchange is None:
        bench.table.skip("memory of the replayer, exchange", "../shared/data is not there")
    else:
        tapes.append(("exchange", bench.inputs.record("exchange.tape", exchange, "--source-path", "/stream")))
    for name, tape in tapes:
        _memory(bench, name, lambda tape=tape: run(replay(tape)).memory)
    small, many = bench.inputs.tape(bench.small, 1000), bench.inputs.tape(bench.large, 100000)
    for clients in (1, CLIENTS):
        told = "%d client%s" % (clients, "s on one deck" if clients > 1 else "")
        _memory(bench, told, lambda clients=clients: _size_serving(bench, small, clients, bench.small))
        _memory(bench, told + " standing still", lambda clients=clients: _size_held_back(bench, many, clients))


def _memory(bench, name, size):
    peak = [size() / 2**20 for _ in range(bench.table.pairs)]
    bench.table.figure("memory_" + name.replace(" ", "_").replace(",", ""), "memory of the replayer, " + name, peak,
                       "MiB", ("most", MEMORY_MIB))


def _size_serving(bench, tape, clients, frames):
    """Of a server whose clients take all there is."""
    ready, took = bench.path("ready"), bench.path("took")
    argv = [peer("took"), took, *(a.replace("READY", ready) for a in _serve(tape, clients, "--once"))]
    with measure.Background(argv, ready) as server:
        out = json.loads(measure.output([peer("ws_count"), server.port(), "/stream", str(clients), str(frames)]))
        server.finish()
    _each(out, clients, frames, "the replayer")
    with open(took, encoding="ascii") as f:
        return int(f.read().split()[3]) * 1024


def _size_held_back(bench, tape, clients):
    """The size of a server whose clients read only the first bytes, when it has nothing
    left to do."""
    ready, seen = bench.path("ready"), []
    argv = [a.replace("READY", ready) for a in _serve(tape, clients, "--client-stall", "1h")]
    with measure.Background(argv, ready) as server, contextlib.ExitStack() as stack:
        sockets = []
        for _ in range(clients):
            s = stack.enter_context(socket.socket())
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            s.connect(("127.0.0.1", int(server.port())))
            s.sendall(UPGRADE)
            sockets.append(s)
        for s in sockets:
            answer = s.recv(1000)
            if not answer.startswith(b"HTTP/1.1 101") or not s.recv(1000):
                raise SystemExit("bench: a client was refused: %r" % answer[:100])
        while len(seen) < 20 or seen[-1] != seen[-20]:
            time.sleep(0.01)  # between polls
            with open("/proc/%d/stat" % server.popen.pid, encoding="ascii") as f:
                seen.append(f.read().rsplit(")", 1)[1].split()[11:13])
        with open("/proc/%d/status" % server.popen.pid, encoding="ascii") as f:
            return int(next(line for line in f if line.startswith("VmHWM")).split()[1]) * 1024


def jq(bench):
    """A source by its name in the JSON, for comparison."""
    if not measure.there("jq"):
        bench.table.skip("one source, jq", "jq is not installed")
        return
    tape = bench.inputs.tape(bench.small, 1000)

    def theirs():
        with subprocess.Popen(["zstd", "-dcq", *inputs.segments(tape)], stdout=subprocess.PIPE) as zstd:
            return run(["jq", "-c", "select(.data.source_id == 10007)"], zstd.stdout).seconds
    bench.table.ratio("one_source_jq", "all frames of one source", bench.table.turns(
        lambda: run(replay(tape, "--source", "10007")).seconds, theirs), "zstd -dc | jq", None, (bench.small, "frames"))
