"""kill -9 of the recorder at random moments, again and again on one tape: every
frame that it had reported, or that a reader of the tape could see just before,
is there, to the byte, in order and once."""

import glob
import os
import random
import re
import struct
import subprocess
import threading
import time

import evtest
import feed

SEED = int(os.environ.get("EVTAPE_KILL_SEED", "7"))
KEEP = 150 << 10


def line(turn, i):
    """The i-th line of a round; the simulator continues from round to round, so its
    turn is 0."""
    return b'{"event":"state","data":{"source_id":%d,"turn":%d,"i":%d,"text":"%s"}}' % (
        10001 + i % 50, turn, i, b"abcdefghij" * (i % 40))


def last_in_journal(tape):
    """(sequence number, body) of the last frame in the journal, None without one:
    docs/format.md, 5."""
    found = None
    for path in sorted(glob.glob(os.path.join(tape, "journal", "*.evj"))):
        try:
            with open(path, "rb") as f:
                raw = f.read()
                f.seek(0)
                if f.read(64) != raw[:64]:
                    continue  # it is used again
        except FileNotFoundError:
            continue  # its block is in a segment
        at, seq = 64, struct.unpack_from("<Q", raw, 40)[0] if len(raw) >= 64 else 0
        while at + 12 <= len(raw):
            end = at + 12 + struct.unpack_from("<I", raw, at)[0]
            if end > len(raw) or raw[end - 1] == 0:  # no record of these ends in a zero
                break
            if found is None or seq > found[0]:
                found = seq, raw[at + 12:end]
            at, seq = end, seq + 1
    return found


class Feed(threading.Thread):
    """Writes to a program's stdin until the program is dead."""

    def __init__(self, pipe, make):
        super().__init__(daemon=True)
        self.pipe, self.make, self.stop = pipe, make, threading.Event()
        self.start()

    def run(self):
        i = 0
        try:
            while not self.stop.wait(0.004):  # a pace that the check can follow
                self.pipe.write(b"".join(self.make(k) + b"\n" for k in range(i, i + 200)))
                self.pipe.flush()
                i += 200
        except (BrokenPipeError, ValueError):
            pass

    def end(self):
        self.stop.set()
        self.join()
        try:
            self.pipe.close()
        except BrokenPipeError:
            pass


class Kill(feed.FeedCase):
    def setUp(self):
        super().setUp()
        self.moment = random.Random(SEED)
        self.tape = self.path("k.tape")
        self.seen = {}      # sequence number: body in the journal, just before a kill
        self.reported = {}  # turn: frames
        self.newest = 0
        self.start_s = 0.05  # until it records, about

    def simulator(self):
        """A server that sends a numbered line each 0.1 ms, with or without clients."""
        ready = self.path("ready")
        sim = self.start("evtape-sim", "--replay-lines", "-", "--wait-clients", "0", "--ready-file", ready,
                         stdin=subprocess.PIPE)
        lines = Feed(sim.popen.stdin, lambda i: b"%d " % (i * 100000) + line(0, i))
        self.addCleanup(lines.end)
        self.addCleanup(sim.kill)
        self.wait_until("the simulator's URL", lambda: os.path.exists(ready))
        with open(ready, encoding="ascii") as f:
            return f.read().strip() + "/feed"

    def last_seq(self):
        """The greatest sequence number that was ever seen."""
        found = last_in_journal(self.tape)
        self.newest = max(self.newest, found[0] if found else 0)
        return self.newest

    def one_round(self, turn, url, *options):
        """Start it, kill it at some moment."""
        how = self.moment.choice(("start", "start", "grown", "grown", "grown", "hangup", "first"))
        if turn % 16 == 2:
            how = "reported"
        was, start = self.last_seq(), time.monotonic()
        recorder = self.start(
            "evtape-record", url or "-", "-o", self.tape, "--profile", "raw", "--json", "--source-path", "/data/source_id",
            "--segment-size", self.moment.choice(("20k", "100k", "64M")), "--block-size",
            self.moment.choice(("4k", "64k", "1M")), "--sync", self.moment.choice(("off", "0", "5ms", "1s")), *options,
            stdin=subprocess.DEVNULL if url else subprocess.PIPE)
        lines = None if url else Feed(recorder.popen.stdin, lambda i: line(turn, i))
        if how == "start":
            # While it starts and recovers: this waits for nothing, it is the
            # moment that is tried.
            time.sleep(self.moment.random() * self.start_s * 1.3)
        elif how == "reported":
            recorder.wait_for(rb'"frames":[1-9]', "out")
        else:
            # In a tight loop, so that the kill can hit any of its steps.
            while self.last_seq() <= was:
                self.assertIsNone(recorder.popen.poll(), recorder.err)
            self.start_s = (self.start_s * 3 + time.monotonic() - start) / 4
            more = self.newest + self.moment.randrange(3000)
            if how == "grown":
                while self.last_seq() < more:
                    self.assertIsNone(recorder.popen.poll(), recorder.err)
            elif how == "hangup":
                recorder.signal(evtest.SIGHUP)
                time.sleep(self.moment.random() * 0.004)  # somewhere within
        found = last_in_journal(self.tape)
        recorder.popen.kill()
        if found:
            self.seen[found[0]] = found[1]
            self.newest = max(self.newest, found[0])
        if lines:
            lines.end()
        recorder.finish(check=-9)
        self.reported[turn] = max((int(n) for n in re.findall(rb'"frames":(\d+)', recorder.out)), default=0)

    def close(self):
        """Opened to be written to and closed again, it is sound."""
        evtest.run("evtape", "mark", self.tape, "closed")
        info = evtest.info(self.tape)
        self.assertFalse(info["unclosed"])
        self.assertEqual(info["journal_bytes"], 0)
        evtest.run("evtape", "verify", self.tape)

    def everything(self):
        """(sequence number, connection, kind, payload) of each frame."""
        raw = evtest.run("evtape-replay", self.tape, "--speed", "max", "-q", "--no-follow", "--marks", "-o", "binary").stdout
        at = 0
        while at < len(raw):
            n, _, _, seq, conn, _, kind, _ = struct.unpack_from("<IqqQIHBB", raw, at)
            yield seq, conn, kind, raw[at + 36:at + 4 + n]
            at += 4 + n

    def check(self, fault, first=None):
        """All frames that were seen are on the tape, and all frames of the tape are
        right. first: retention may have dropped the frames before some frame."""
        count, expected, conns, newest, intact = {}, first, {}, -1, 0
        for seq, conn, kind, payload in self.everything():
            expected = seq if expected is None else expected
            self.assertEqual(seq, expected)
            expected += 1
            if seq in self.seen:
                self.assertTrue(self.seen[seq].endswith(payload), "frame %d is not what it was" % seq)
            intact += 1
            if kind != 0:
                continue
            turn, i = map(int, re.search(rb'"turn":(\d+),"i":(\d+)', payload).groups())
            self.assertEqual(payload, line(turn, i))
            if turn:
                self.assertEqual(i, count.get(turn, i if first is None else 0), "of turn %d" % turn)
                count[turn] = i + 1
            else:
                # Frames that were sent while no recorder ran are not missing.
                self.assertEqual(i, conns.get(conn, i), "of connection %d" % conn)
                self.assertGreater(i, newest)
                conns[conn], newest = i + 1, i
        covered = max(self.seen)
        evtest.torture(fault, len(self.reported), intact, max(0, covered - (expected - 1)))
        self.assertGreaterEqual(expected - 1, covered)
        for turn, n in self.reported.items():
            self.assertTrue(n <= count.get(turn, 0) or turn in self.sockets or first is None, "turn %d" % turn)
        return intact

    sockets = ()

    def test_nothing_seen_is_lost(self):
        url = self.simulator()
        rounds = 200 if evtest.TORTURE else 24
        self.sockets = range(2, rounds + 1, 2)
        for turn in range(1, rounds + 1):
            self.one_round(turn, url if turn in self.sockets else None)
            if turn % 8 == 0:
                self.close()
        self.close()
        self.check("kill -9 of the recorder at any moment", first=1)

    def test_the_newest_stay(self):
        """With retention: nothing is lost but the oldest segments, whole."""
        rounds = 60 if evtest.TORTURE else 8
        turn, dropped = 0, False
        # How much a round records is a matter of luck and of the machine.
        while turn < rounds or not dropped:
            self.assertLess(turn, 500, "no segment was ever dropped")
            turn += 1
            self.one_round(turn, None, "--keep-size", "%d" % KEEP, "--segment-size", "20k", "--block-size", "16k")
            if turn >= rounds:
                self.close()
                dropped = evtest.info(self.tape)["segments"][0]["first_seq"] > 1
        self.assertGreater(self.check("kill -9 while the oldest segments are dropped"), 0)
        segments = evtest.info(self.tape)["segments"]
        self.assertGreater(segments[0]["first_seq"], 1)
        sizes = [s["bytes"] for s in segments]
        self.assertGreater(sum(sizes), KEEP - 2 * max(sizes), "more went than had to")


if __name__ == "__main__":
    evtest.unittest.main()
