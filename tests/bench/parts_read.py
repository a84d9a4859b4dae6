"""The cost of finding something on a tape, with a new process."""

import os
import subprocess
import time
import urllib.request

import inputs
import measure
from inputs import FIRST_NS, STEP_NS, WINDOW_NS
from measure import peer, program, run

FIRST_MS, STATE_MS, OPEN_MS, FIND = 15, 100, 10, 0.25


def _window(frames, i):
    """Another five minutes and another source each time."""
    length = frames * STEP_NS
    start = FIRST_NS + int(max(0, length - WINDOW_NS) * (0.31 + 0.618034 * i) % max(1, length - WINDOW_NS))
    return 10001 + (17 + 211 * i) % 1000, start, start + WINDOW_NS


def query(tape, source, start, end):
    return [program("evtape-replay"), "--speed", "max", "-q", "--source", str(source), "--from", "@%d" % start,
            "--to", "@%d" % end, tape]


def first_frames(bench, frames):
    """Milliseconds to the first byte of a source's five minutes."""
    tape = bench.inputs.hours(frames, 1000)
    return [1000 * measure.first_byte(query(tape, *_window(frames, i))) for i in range(bench.table.pairs)]


def _into(path, argv, **more):
    with open(path, "wb") as f:
        return run(argv, stdout=f, **more).seconds


def seek(bench):
    """A source's five minutes."""
    frames = bench.large
    tape, rows = bench.inputs.hours(frames, 1000), bench.inputs.rows(frames, 1000)
    bench.table.figure("seek_first", "first frame of a source's five minutes", first_frames(bench, frames), "ms",
                       ("most", FIRST_MS))
    ours, grep, sqlite = [], [], []
    for i in range(bench.table.pairs):
        source, start, end = _window(frames, i)
        ours.append(_into(bench.path("ours"), query(tape, source, start, end)))
        with subprocess.Popen(["zstd", "-dcq", *inputs.segments(tape)], stdout=subprocess.PIPE) as zstd:
            grep.append(_into(bench.path("grep"), ["grep", "-F", '"source_id":%d,' % source], stdin=zstd.stdout))
        sqlite.append(_into(bench.path("rows"), [peer("sqlite_rows"), "query", rows, str(source), str(start), str(end)]))
        with open(bench.path("ours"), "rb") as a, open(bench.path("rows"), "rb") as b:
            if a.read() != b.read():
                raise SystemExit("bench: the tape and SQLite give different frames")
    what = "the whole answer: a source's five minutes"
    bench.table.ratio("seek_grep", what, list(zip(ours, grep)), "zstdcat | grep", ("least", 100))
    bench.table.ratio("seek_sqlite", what, list(zip(ours, sqlite)), "SQLite rows", ("least", 0.1))


def state(bench):
    """Where all sources were at a time, asked of a server that has just begun."""
    tape, ready = bench.inputs.hours(bench.large, 1000), bench.path("ready")
    took = []
    for i in range(bench.table.pairs):
        at = _window(bench.large, i)[1]
        with measure.Background([program("evtape-replay"), "--listen", "0", "--ready-file", ready, "--start-paused",
                                 "-q", tape], ready) as server:
            start = time.monotonic()
            with urllib.request.urlopen("http://127.0.0.1:%s/api/sources?at=@%d" % (server.port(), at), timeout=60) as r:
                r.read()
            took.append(1000 * (time.monotonic() - start))
    bench.table.figure("state", "state of all 1,000 sources at a time", took, "ms", ("most", STATE_MS))


def info_ms(bench, tape):
    return [1000 * run([program("evtape"), "info", tape]).seconds for _ in range(bench.table.pairs)]


def opening(bench):
    bench.table.figure("open", "evtape info", info_ms(bench, bench.inputs.hours(bench.large, 1000)), "ms",
                       ("most", OPEN_MS))


def find(bench):
    """Searches that look at every frame and find nothing, on one core."""
    tape = bench.inputs.tape(bench.large, 1000)
    size = os.path.getsize(bench.inputs.lines(bench.large, 1000))
    core = ["taskset", "-c", str(min(os.sched_getaffinity(0)))]
    for name, expression, goal in (("value", "gps.speed > 1000", FIND),
                                   ("values", 'gps.speed > 1000 or battery_level < 0 and connection_status ~ "gone"', FIND),
                                   ("time", "jump > 500 km or silent > 1 h", None)):
        times = bench.table.turns(lambda what=expression: run([*core, program("evtape"), "find", "-q", tape, what]).seconds,
                                  lambda: run([*core, "zstd", "-dcq", *inputs.segments(tape)]).seconds)
        bench.table.ratio("find_" + name, "find: " + expression, times, "zstd -dc", ("least", goal) if goal else None,
                          (size / 1e6, "MB"))
