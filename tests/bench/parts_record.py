"""The cost of making a tape."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys

import inputs
import lcm
import measure
from measure import peer, program, run

RAW = ["--profile", "raw", "--event-path", "/event", "--source-path", "/data/source_id"]
ARRIVAL_US, CORE_SHARE, MEMORY_MIB, RATE = 50, 0.15, 48, 10000


def recorded(tape):
    """How many frames came onto a tape."""
    return json.loads(measure.output([program("evtape"), "info", "--json", tape]))["received"]


def check_whole(tape, frames):
    got = recorded(tape)
    if got != frames:
        raise SystemExit("bench: %d frames were sent and %d are on the tape" % (frames, got))


def ingest_lines(bench, name, what, lines, goals, options=()):
    """A file of lines into a tape, against zstd and SQLite, by turns."""
    tape, packed = bench.path("ingest.tape"), bench.path("ingest.zst")
    frames, size, peak = inputs.count_lines(lines), os.path.getsize(lines), []

    def ours():
        shutil.rmtree(tape, True)
        done = run([program("evtape-record"), "-", "-o", tape, "-q", *options], lines)
        peak.append(done.memory / 2**20)
        return done.seconds

    def zstd():
        return run(["zstd", "-3", "-T1", "-q", "-f", lines, "-o", packed]).seconds

    def sqlite():
        for end in ("", "-wal", "-shm"):
            if os.path.exists(bench.path("rows.db" + end)):
                os.unlink(bench.path("rows.db" + end))
        return run([peer("sqlite_rows"), "write", bench.path("rows.db"), "0", "0"], lines).seconds

    def blocks():
        return float(measure.output([peer("pack_blocks"), lines]))

    times = bench.table.turns(ours, zstd, sqlite, blocks)
    check_whole(tape, frames)
    bench.table.ratio(name + "_zstd", what, [t[:2] for t in times], "zstd -3 -T1", ("least", 1.0) if goals else None,
                      (size / 1e6, "MB"))
    bench.table.ratio(name + "_sqlite", what, [(t[0], t[2]) for t in times], "SQLite rows", ("least", 8.0) if goals else None,
                      (frames, "frames"))
    # The limits: one thread packs, and SQLite does not compress.
    bench.table.ratio(name + "_packing", what + ": making the blocks' bytes alone", [(t[3], t[1]) for t in times],
                      "zstd -3 -T1", None, (size / 1e6, "MB"))
    bench.table.ratio(name + "_bound", what + ": zstd -3 -T1 alone", [(t[1], t[2]) for t in times], "SQLite rows", None,
                      (frames, "frames"))
    bench.table.figure(name + "_memory", what + ": memory", peak, "MiB", ("most", MEMORY_MIB))


def ingest(bench):
    for sources in (1000, 100000):
        for frames in bench.sizes:
            ingest_lines(bench, "ingest_%d_%d" % (frames, sources), "into a tape, %s frames of %s sources" % (
                format(frames, ","), format(sources, ",")), bench.inputs.lines(frames, sources), True)


def real(bench):
    """The same with frames that were really received, for comparison."""
    for name, lines, options in (("buses", bench.inputs.buses(), ()),
                                 ("exchange", bench.inputs.exchange(), ("--source-path", "/stream"))):
        if lines is None:
            bench.table.skip("real data: " + name, "../shared/data is not there")
            continue
        ingest_lines(bench, "ingest_" + name, "into a tape, real data: " + name, lines, False, options)
        disk_lines(bench, "disk_" + name, "on disk, real data: " + name, lines,
                   bench.inputs.record(name + ".tape", lines, *options), None)


def disk_lines(bench, name, what, lines, tape, index_share):
    """Bytes of a tape against zstd of the same lines in pieces of a block's size."""
    folder = bench.path("pieces")
    os.mkdir(folder)
    subprocess.run(["split", "-a", "6", "-C", "1M", lines, os.path.join(folder, "p")], check=True)
    pieces = sorted(os.path.join(folder, n) for n in os.listdir(folder))
    blocks = 0
    for i in range(0, len(pieces), 500):
        blocks += len(measure.output(["zstd", "-3", "-q", "-c", *pieces[i:i + 500]]))
    shutil.rmtree(folder)
    stored = sum(os.path.getsize(s) for s in inputs.segments(tape))
    index = os.path.getsize(os.path.join(tape, "tape.db"))
    frames = inputs.count_lines(lines)
    bench.table.figure(name, what + ", to zstd -3 of 1 MiB blocks", [(stored + index) / blocks], "x", ("most", 1.15),
                       "%.1f B a frame" % ((stored + index) / frames))
    bench.table.figure(name + "_index", what + ": the index's share", [100 * index / (stored + index)], "%",
                       index_share and ("most", index_share))


def disk(bench):
    for sources, share in ((1000, 2), (100000, 6)):
        for frames in bench.sizes:
            disk_lines(bench, "disk_%d_%d" % (frames, sources), "on disk, %s frames of %s sources" % (
                format(frames, ","), format(sources, ",")), bench.inputs.lines(frames, sources),
                       bench.inputs.tape(frames, sources), share)


def scan(bench):
    """The key scanner alone, and cJSON on the same frames."""
    out = measure.output([program("tests/bench_scan"), bench.inputs.lines(bench.small, 1000)]).decode()
    speed = {f[0]: float(f[1].split()[0]) for f in (line.split("\t") for line in out.splitlines())}
    bench.table.figure("scan", "the key scanner alone", [speed["evt_json_scan"]], "MB/s", None,
                       "cJSON %.0f, memcpy %.0f" % (speed["cJSON"], speed["memcpy"]))


def sender(bench, lines, *paced):
    return measure.Background([peer("ws_sender"), lines, bench.path("ready"), *paced], bench.path("ready"))


def socket(bench):
    """From a server that sends as fast as it can."""
    lines = bench.inputs.lines(bench.small, 1000)
    tape = bench.path("socket.tape")

    def client(argv_of):
        def timed():
            with sender(bench, lines) as server, open(bench.path("said"), "w+b") as said:
                done = run(argv_of(server.url()), stdout=said)
                server.finish()
                said.seek(0)
                counted = said.read()
            if counted and json.loads(counted)["frames"] != bench.small:
                raise SystemExit("bench: a client of %d frames counted %s" % (bench.small, counted.decode()))
            return done.seconds
        return timed

    def ours(url):
        shutil.rmtree(tape, True)
        return [program("evtape-record"), url, "-o", tape, *RAW, "-q", "--frames", str(bench.small)]

    def lws(url):
        return [peer("lws_count"), url]

    def bare(url):
        return [peer("ws_count"), url.split("/")[2].rpartition(":")[2], "/", "1", str(bench.small)]

    def python(url):
        return [sys.executable, os.path.join(measure.TOP, "tests/bench/peers/websockets_count.py"), url]

    peers = [("lws", "libwebsockets", ("least", 0.8), lws), ("bare", "headers alone", None, bare)]
    if importlib.util.find_spec("websockets"):
        peers.append(("python", "Python websockets", None, python))
    else:
        bench.table.skip("from a socket, Python websockets", "python3-websockets is not installed")
    times = bench.table.turns(client(ours), *(client(p[3]) for p in peers))
    check_whole(tape, bench.small)
    for i, (name, who, goal, _) in enumerate(peers, 1):
        bench.table.ratio("socket_" + name, "from a socket as fast as it can", [(t[0], t[i]) for t in times], who, goal,
                          (bench.small, "frames"))


def steady(bench):
    """At 10,000 frames a second: the cost, and when a frame gets its stamp."""
    frames = min(bench.small, RATE * 10)
    lines, stamps, tape = bench.inputs.lines(frames, 1000), bench.path("stamps"), bench.path("steady.tape")
    half, late, cpu, memory = [], [], [], []
    for _ in range(bench.table.pairs):
        shutil.rmtree(tape, True)
        with sender(bench, lines, str(RATE), stamps) as server:
            done = run([program("evtape-record"), server.url(), "-o", tape, *RAW, "-q", "--frames", str(frames)])
            server.finish()
        check_whole(tape, frames)
        with open(stamps, "rb") as f:
            sent = [int(line) for line in f]
        got = [int(ns) for ns in measure.output([program("evtape"), "cat", "--format", "csv", "--fields", "time_ns",
                                                 "--kind", "received", tape]).split()[1:]]
        if len(got) != frames:
            raise SystemExit("bench: %d of %d frames have a time" % (len(got), frames))
        after = [(g - s) / 1e3 for g, s in zip(got, sent)]
        half.append(measure.percentile(after, 0.5))
        late.append(measure.percentile(after, 0.99))
        cpu.append(100 * done.cpu / done.seconds)
        memory.append(done.memory / 2**20)
    at = "recording at 10,000 frames/s: "
    bench.table.figure("steady_cpu", at + "of one core", cpu, "%", ("most", 100 * CORE_SHARE))
    bench.table.figure("steady_stamp_p50", at + "stamp after sending, p50", half, "us")
    bench.table.figure("steady_stamp_p99", at + "stamp after sending, p99", late, "us", ("most", ARRIVAL_US))
    bench.table.figure("steady_memory", at + "memory", memory, "MiB", ("most", MEMORY_MIB))
    _steady_lcm(bench, frames, os.path.getsize(lines) // frames)


def _steady_lcm(bench, frames, size):
    """LCM's logger at the same rate, which neither looks into messages nor compresses."""
    what = "LCM's logger at 10,000 messages/s: "
    if not measure.there("lcm-logger", "lcm-logplayer"):
        bench.table.skip(what + "of one core", "liblcm-bin is not installed")
        return
    runs = [lcm.record(bench, frames, RATE, size) for _ in range(bench.table.pairs)]
    if None in runs:
        bench.table.skip(what + "of one core", "its multicast group cannot be used here")
        return
    bench.table.figure("steady_lcm_cpu", what + "of one core", [100 * r.cpu / p.seconds for r, p, _ in runs], "%")
    bench.table.figure("steady_lcm_memory", what + "memory", [r.memory / 2**20 for r, _, _ in runs], "MiB")
    bench.table.figure("steady_lcm_lost", what + "messages lost", [frames - got for _, _, got in runs], "")
