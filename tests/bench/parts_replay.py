"""What it takes to play a tape to its end."""

import json
import os
import subprocess

import inputs
import measure
from measure import peer, program, run

MEMORY_MIB = 32
CLIENTS = 100


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
    """Seconds from the first byte to the last frame, of a server and its clients."""
    ready = bench.path("ready")
    with measure.Background([a.replace("READY", ready) for a in argv], ready, env) as server:
        out = json.loads(measure.output([peer("ws_count"), server.port(), path, str(clients), str(frames)]))
    return out


def websocket(bench):
    """To one client, and to a hundred that watch the same deck."""
    for clients, frames in ((1, bench.large), (CLIENTS, bench.small)):
        tape, lines = bench.inputs.tape(frames, 1000), bench.inputs.lines(frames, 1000)
        shared = ["--shared", "--wait-clients", str(clients)] if clients > 1 else []
        missing = []

        def ours(clients=clients, frames=frames, tape=tape, shared=shared, missing=missing):
            out = _play(bench, replay(tape, "--listen", "0", "--ready-file", "READY", "--once", *shared), "/stream",
                        clients, frames)
            missing.append(clients * frames - out["frames"])
            return out["seconds"] * clients * frames / max(1, out["frames"])

        def node(clients=clients, frames=frames, lines=lines):
            out = _play(bench, ["node", os.path.join(measure.TOP, "tests/bench/peers/ws_send.cjs"), lines, "READY",
                                str(clients)], "/", clients, frames, measure.evtest.NODE_ENV)
            if out["frames"] != clients * frames:
                raise SystemExit("bench: Node's clients got %d frames of %d" % (out["frames"], clients * frames))
            return out["seconds"]

        what = "over WebSocket at max, %d client%s" % (clients, "s on one deck" if clients > 1 else "")
        name = "websocket_%d" % clients
        if measure.there("node") and os.path.isdir(os.path.join(measure.evtest.NODE_ENV["NODE_PATH"], "ws")):
            times = bench.table.turns(ours, node)
            bench.table.ratio(name + "_node", what, times, "Node ws", ("least", 5.0), (clients * frames, "frames"))
        else:
            bench.table.skip(what + ", Node ws", "nodejs and node-ws are not installed")
            times = bench.table.turns(ours)
        bench.table.figure(name, what + ": speed", [clients * frames / t[0] / 1e6 for t in times], "M frames/s",
                           ("least", 3.0 if clients > 1 else 1.5))
        bench.table.figure(name + "_missing", what + ": frames that clients did not get", missing, "", ("most", 0))


def memory(bench):
    """The replayer's greatest size, whatever the tape."""
    tapes = [("1,000 sources", bench.inputs.tape(bench.large, 1000)),
             ("100,000 sources", bench.inputs.tape(bench.large, 100000)),
             ("six hours", bench.inputs.hours(bench.large, 1000))]
    exchange = bench.inputs.exchange()
    if exchange is None:
        bench.table.skip("memory of the replayer, exchange", "../shared/data is not there")
    else:
        tapes.append(("exchange", bench.inputs.record("exchange.tape", exchange, "--source-path", "/stream")))
    for name, tape in tapes:
        peak = [run(replay(tape)).memory / 2**20 for _ in range(bench.table.pairs)]
        bench.table.figure("memory_" + name.replace(" ", "_").replace(",", ""), "memory of the replayer, " + name, peak,
                           "MiB", ("most", MEMORY_MIB))


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
