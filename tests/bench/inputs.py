"""What the benchmarks feed the programs, made once below build/bench.

An input is made again when a program that makes it is newer: a tape of an older
build would say nothing about this one.
"""

import gzip
import os
import shutil
import subprocess
import sys

from measure import Background, evtest, peer, program

SEED_FRAMES = 3000000  # of more frames than these the input repeats itself
FIRST_NS = 1772323200 * 10**9  # 2026-03-01T00:00:00Z
STEP_NS = 7200000  # 3,000,000 frames in six hours
WINDOW_NS = 300 * 10**9


def _pump(lines, argv):
    """Give a program lines; it must succeed."""
    with subprocess.Popen(argv, stdin=subprocess.PIPE) as p:
        batch = []
        for line in lines:
            batch.append(line)
            if len(batch) == 1000:
                p.stdin.write(b"".join(batch))
                batch.clear()
        p.stdin.write(b"".join(batch))
        p.stdin.close()
        if p.wait():
            sys.exit("bench: %s: exit %d" % (argv[0], p.returncode))


class Inputs:
    def __init__(self, folder):
        self.folder = folder
        os.makedirs(folder, exist_ok=True)

    def made(self, name, makers, make):
        """The path of `name`, made by make(path) unless it is there and newer than the makers."""
        path = os.path.join(self.folder, name)
        if os.path.exists(path) and all(os.path.getmtime(m) <= os.path.getmtime(path) for m in makers):
            return path
        print("making %s" % os.path.relpath(path), file=sys.stderr, flush=True)
        half = path + ".half"
        for old in (path, half):
            if os.path.isdir(old):
                shutil.rmtree(old)
            elif os.path.exists(old):
                os.unlink(old)
        make(half)
        os.rename(half, path)
        os.utime(path)
        return path

    def lines(self, frames, sources):
        """State frames, one a line."""
        sim = program("evtape-sim")

        def make(path):
            with open(path, "wb") as f:
                subprocess.run([sim, "--generate", str(frames), "--sources", str(sources), "--seed", "1"],
                               stdout=f, check=True)
        return self.made("states-%d-%d.ndjson" % (frames, sources), [sim], make)

    def pieces(self, frames, sources):
        """Files that together hold so many frames: 30,000,000 are ten times the same,
        which no window of the compressor is long enough to see."""
        if frames <= SEED_FRAMES:
            return [self.lines(frames, sources)]
        if frames % SEED_FRAMES:
            sys.exit("bench: more than %d frames go by multiples of it" % SEED_FRAMES)
        return [self.lines(SEED_FRAMES, sources)] * (frames // SEED_FRAMES)

    def each_line(self, frames, sources):
        for piece in self.pieces(frames, sources):
            with open(piece, "rb") as f:
                yield from f

    def tape(self, frames, sources):
        """As the recorder makes it from stdin."""
        return self.record("states-%d-%d.tape" % (frames, sources), self.lines(frames, sources))

    def record(self, name, lines, *options):
        recorder = program("evtape-record")

        def make(path):
            with open(lines, "rb") as f:
                subprocess.run([recorder, "-", "-o", path, "-q", *options], stdin=f, check=True)
        return self.made(name, [recorder, lines], make)

    def stamped(self, name, lines, frames_ns):
        """A tape of lines with receive times of their own: mktape's form."""
        maker = peer("mktape")

        def make(path):
            _pump((b"%d received 1 1 %s" % (at, line) for at, line in zip(frames_ns, lines())), [maker, path])
        return self.made(name, [maker, program("evtape-sim")], make)

    def hours(self, frames, sources):
        """A frame every STEP_NS, so that five minutes are a small part of it."""
        return self.stamped("hours-%d-%d.tape" % (frames, sources), lambda: self.each_line(frames, sources),
                            range(FIRST_NS, FIRST_NS + frames * STEP_NS, STEP_NS))

    def rows(self, frames, sources):
        """The same in SQLite."""
        writer = peer("sqlite_rows")

        def make(path):
            with subprocess.Popen(["cat", *self.pieces(frames, sources)], stdout=subprocess.PIPE) as cat:
                subprocess.run([writer, "write", path, str(FIRST_NS), str(STEP_NS)], stdin=cat.stdout, check=True)
        return self.made("hours-%d-%d.db" % (frames, sources), [writer, program("evtape-sim")], make)

    def even(self, frames, per_second):
        """Small frames at even times, of fifty sources."""
        def lines():
            return (b'{"event":"state","data":{"source_id":%d}}\n' % (10001 + i % 50) for i in range(frames))
        step = 10**9 // per_second
        return self.stamped("even-%d-%d.tape" % (frames, per_second), lines,
                            range(FIRST_NS, FIRST_NS + frames * step, step))

    @staticmethod
    def real(*parts):
        """A real recording, or None."""
        path = os.path.join(evtest.DATA, *parts)
        return path if os.path.exists(path) else None

    def exchange(self):
        """The frames of a real exchange feed, one a line; None if it is not there."""
        source = self.real("binance-ws", "binance_usdm_btcusdt_20240808.gz")

        def make(path):
            with gzip.open(source, "rb") as f, open(path, "wb") as out:
                for line in f:
                    out.write(line.partition(b" ")[2])
        return source and self.made("exchange.ndjson", [source], make)

    def buses(self):
        """The way of real buses as the simulator sends it; None without their data."""
        trace = self.real("austin-buses", "2017-03-21.csv")
        sim, recorder = program("evtape-sim"), program("evtape-record")

        def make(path):
            tape, ready = path + ".tape", path + ".ready"
            shutil.rmtree(tape, True)
            with Background([sim, "--trace", trace, "--speed", "max", "--once", "--ready-file", ready], ready) as server:
                with subprocess.Popen([recorder, server.url() + "/event/subscription", "-o", tape, "-q", "--events", "state",
                                       "--trackers", ",".join(map(str, range(1, 330)))],
                                      env=dict(os.environ, EVTAPE_CREDENTIAL="0123456789abcdef" * 2)) as p:
                    server.finish()
                    p.terminate()
            with open(path, "wb") as f:
                subprocess.run([program("evtape-replay"), "--speed", "max", "--event", "state", "-q", tape],
                               stdout=f, check=True)
            shutil.rmtree(tape)
            os.unlink(ready)
        return trace and self.made("buses.ndjson", [sim, trace], make)


def segments(tape):
    return sorted(os.path.join(tape, n) for n in os.listdir(tape) if n.endswith(".zst"))


def count_lines(path):
    with open(path, "rb") as f:
        return sum(piece.count(b"\n") for piece in iter(lambda: f.read(1 << 20), b""))
