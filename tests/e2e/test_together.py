"""Programs that are stopped for a while (SIGSTOP), two recorders of one tape, and a
tape that is read, cut and cleaned while it is recorded."""

import asyncio
import json
import os
import re
import signal
import subprocess
import threading
import time

import websockets

import evtest
import feed
from test_replay import S, state
from test_replay_ws import WsCase

# A second between two turns of the recorder's loop, and two that it may be late.
LONG = 3.3


def stop(process):
    """Stop the process; it is stopped when this returns."""
    process.signal(signal.SIGSTOP)
    os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)


class Stopped(feed.FeedCase):
    """The recorder, or its server, is stopped."""

    def long_stop(self, p):
        """Long enough to be reported, and for several ping intervals."""
        stop(p)
        end = time.monotonic() + LONG
        self.wait_until("the stop to be a long one", lambda: time.monotonic() > end)

    def tearDown(self):
        for p in getattr(self, "stopped", ()):
            if p.popen.poll() is None:
                p.signal(signal.SIGCONT)
        super().tearDown()

    def states(self, *options):
        sim, url = self.simulate("--rate", "3000", *options)
        p = self.record(url, "--events", "state", "--trackers", "1,2,3", "--ping-interval", "500ms")
        self.wait_frames(100, event="state")
        return sim, p

    def all_sent(self, conn=1):
        return [m[2] for m in feed.messages(self.sent) if m[0] == conn and m[1] in (1, 2)]

    def as_sent(self, conn=1):
        """The frames of a connection: as they were sent, up to some frame."""
        got = [f for f in self.payloads() if f]
        sent = self.all_sent(conn)
        self.assertEqual([g for _, g in got], sent[:len(got)])
        return len(got)

    def test_frames_that_pile_up_are_recorded(self):
        """TCP and the server keep the frames that are sent meanwhile: nothing is
        missing, and a short stop leaves no mark."""
        _, p = self.states()
        rounds = 5 if evtest.TORTURE else 2
        for _ in range(rounds):
            before = len(self.all_sent())
            stop(p)
            self.wait_until("frames to pile up", lambda n=before: len(self.all_sent()) > n + 500)
            p.signal(signal.SIGCONT)
            self.wait_frames(before + 500, event="state")
        p.finish(evtest.SIGTERM)
        covered = self.as_sent()
        evtest.torture("the recorder stands still (SIGSTOP) while the server sends", rounds, covered, 0)
        self.assertEqual([m["mark"] for m in self.marks()], ["started", "connected", "disconnected", "stopped"])

    def test_a_long_stop_is_reported(self):
        """The server may have dropped frames meanwhile; but it was not the server
        that was silent, so the connection stays."""
        sim, p = self.states()
        start = time.monotonic()
        self.long_stop(p)
        before = len(self.all_sent())
        p.signal(signal.SIGCONT)
        p.wait_for(rb"the recorder did not run for \S+ \(it was stopped, or the machine slept or was overloaded\)")
        self.wait_frames(before, event="state")
        p.finish(evtest.SIGTERM, check=3)
        self.as_sent()
        gap, = self.marks("gap")
        self.assertIn("did not run for", gap["reason"])
        self.assertIsNone(gap["frames"])
        self.assertGreaterEqual(gap["seconds"], 3)
        self.assertLess(gap["seconds"], 1 + time.monotonic() - start)
        # The mark precedes the frames that had piled up.
        frames = evtest.frames(self.tape)
        at = next(i for i, f in enumerate(frames) if f.get("mark") == "gap")
        self.assertGreater(len(frames) - at, 500)
        self.assertGreater(frames[at + 1]["mono_ns"] - frames[at - 1]["mono_ns"], 3 * S)
        self.assertEqual(len(self.marks("connected")), 1)
        sim.finish(evtest.SIGTERM)

    def test_a_long_stop_without_frames(self):
        """A server that had nothing to say is asked first whether it is there."""
        sim, url = self.simulate("--rate", "0.01")
        p = self.record(url, "--ping-interval", "500ms", "--idle-timeout", "3s")
        self.wait_frames(1, event="state_batch")
        self.long_stop(p)
        p.signal(signal.SIGCONT)
        p.wait_for(rb"did not run for")
        end = time.monotonic() + 1
        self.wait_until("two pings to be due", lambda: time.monotonic() > end)
        self.assertNotIn(b"connection lost", p.err)
        if not evtest.TORTURE:
            p.finish(evtest.SIGTERM, check=3)
            return
        # A server that ended meanwhile is noticed after one ping interval.
        stop(sim)
        self.stopped = [sim]
        self.long_stop(p)
        p.signal(signal.SIGCONT)
        p.wait_for(rb"connection lost: the server does not answer pings")
        p.finish(evtest.SIGTERM, check=3)

    def test_the_simulator_is_stopped(self):
        """A server that answers nothing, though its machine accepts all bytes: this is
        reported, and the recording continues when the server does."""
        sim, url = self.simulate("--rate", "1000")
        p = self.record(url, "--events", "state", "--trackers", "1,2,3", "--ping-interval", "200ms")
        self.wait_frames(100, event="state")
        stop(sim)
        self.stopped = [sim]
        p.wait_for(rb"connection lost: the server does not answer pings \(for 600ms\)")
        sim.signal(signal.SIGCONT)
        self.wait_until("states on another connection", lambda: any(
            f["connection"] > 1 and f.get("event") == "state" for f in evtest.frames(self.tape)))
        p.finish(evtest.SIGTERM, check=3)
        gap = self.marks("gap")[0]
        self.assertIn("does not answer pings", gap["reason"])
        first = [json.dumps(f["payload"]) for f in evtest.frames(self.tape)
                 if f["connection"] == 1 and f.get("event") == "state"]
        sent = [json.dumps(json.loads(m)) for m in self.all_sent() if b'"event":"state"' in m]
        self.assertEqual(first, sent[:len(first)])
        evtest.run("evtape", "verify", self.tape)


class Replayer(WsCase):
    def test_the_replayer_is_stopped(self):
        """Its clients get every frame all the same, and in order."""
        n = 400
        tape = self.tape("t.tape", [(i * S // 250, state(1, i)) for i in range(n)])
        url = self.serve(tape)

        async def watch():
            got = []
            async with websockets.connect(url, max_size=None, compression=None, **evtest.PATIENT) as ws:
                while True:
                    try:
                        got.append(await asyncio.wait_for(ws.recv(), evtest.DEADLINE))
                    except websockets.ConnectionClosed as e:
                        return got, e.code
                    if len(got) in (50, 200):
                        stop(self.server)
                        loop = asyncio.get_running_loop()
                        loop.call_later(0.5, self.server.signal, signal.SIGCONT)
        got, code = asyncio.run(watch())
        self.assertEqual(code, 1000)
        self.assertEqual([g.encode() if isinstance(g, str) else g for g in got],
                         [s if isinstance(s, bytes) else s.encode() for s in (state(1, i) for i in range(n))])
        evtest.torture("the replayer stands still (SIGSTOP) while it plays", 2, n, n - len(got))
        report = self.stop()
        self.assertGreater(report["lateness_ns"]["max"], 3 * S // 10)


class TwoRecorders(evtest.Case):
    def recorder(self, tape):
        read, write = os.pipe()
        self.addCleanup(os.close, write)
        p = self.start("evtape-record", "-", "-o", tape, stdin=read)
        os.close(read)
        return p, write

    def refused(self, tape, pid):
        done = evtest.run("evtape-record", "-", "-o", tape, stdin=b'{"second":1}\n', check=1)
        self.assertRegex(done.stderr.decode(), r"^evtape-record: .* is being recorded to by process %d; "
                         r"stop that first, or record to another tape\n$" % pid)

    def test_the_second_changes_nothing(self):
        """In any state of the first one; after the first one has ended, the second may
        record."""
        tape = self.path("t.tape")
        p, write = self.recorder(tape)
        want = []

        def feed_it(n):
            lines = [b'{"first":%d}' % (len(want) + i) for i in range(n)]
            want.extend(lines)
            os.write(write, b"".join(line + b"\n" for line in lines))
            self.wait_until("the frames", lambda: os.path.exists(os.path.join(tape, "journal", "lock")) and
                            evtest.info(tape)["received"] == len(want))
        feed_it(100)
        rounds = 30 if evtest.TORTURE else 5
        for _ in range(rounds):
            self.refused(tape, p.pid)
            feed_it(10)
        stop(p)
        for _ in range(rounds):
            self.refused(tape, p.pid)
        os.write(write, b'{"stopped":1}\n')
        p.signal(signal.SIGCONT)
        want.append(b'{"stopped":1}')
        feed_it(10)
        stop(p)
        p.signal(evtest.SIGKILL)
        p.finish(check=-9)
        evtest.run("evtape-record", "-", "-o", tape, stdin=b'{"second":1}\n')
        want.append(b'{"second":1}')
        got = evtest.lines(evtest.run("evtape-replay", tape, "--speed", "max", "-q").stdout)
        self.assertEqual(got, want)
        evtest.run("evtape", "verify", tape)
        evtest.torture("a second recorder on the tape", 2 * rounds, len(want), len(set(want) - set(got)))


class WhileItIsRecorded(evtest.Case):
    """Frames count up, so any piece of them can be checked."""

    def feed(self, pipe):
        i = 0
        try:
            while not self.done.wait(0.005):
                pipe.write(b"".join(b'{"event":"state","data":{"source_id":%d,"i":%d}}\n' % (10001 + k % 5, k)
                                    for k in range(i, i + 100)))
                pipe.flush()
                i += 100
        except (BrokenPipeError, ValueError):
            pass

    def numbers(self, raw):
        return [int(n) for n in re.findall(rb'"i":(\d+)\}', raw)]

    def run_of(self, got, first=None):
        """Numbers that follow each other; how many."""
        self.assertEqual(got, list(range(got[0] if got else 0, (got[0] if got else 0) + len(got))))
        if first is not None and got:
            self.assertEqual(got[0], first)
        return len(got)

    def quiet(self, *args):
        """A command without complaints: at most it reports what it did."""
        done = evtest.run("evtape", *args)
        self.assertRegex(done.stderr, rb"\A(evtape [a-z ]+: (exported|made|set) [^\n]+\n)?\Z", args)
        return done.stdout

    def refused(self, *args):
        done = evtest.run("evtape", *args, check=1)
        self.assertRegex(done.stderr.decode(), r"^evtape %s: .* is being recorded to by process \d+; .*\n$" % args[0])
        self.assertEqual(done.stdout, b"")

    def once(self, tape, turn, first):
        """Each tool once; the number of frames that were looked at."""
        seen = self.run_of(self.numbers(self.quiet("cat", tape)), first)
        info = json.loads(self.quiet("info", "--json", tape))
        self.assertTrue(info["live"])
        self.assertGreaterEqual(info["received"], seen if first == 0 else 0)
        self.quiet("ls", tape)
        stats = json.loads(self.quiet("stats", "--json", tape))
        self.assertTrue(stats)
        found = json.loads(evtest.run("evtape", "verify", "--json", tape, check=None).stdout)
        self.assertEqual(found["sound"], True, found)
        seen += self.run_of(self.numbers(self.quiet("export", "lines", tape)), first)
        for command in (("cut", "--from", "-1s"), ("recover", "--json")):
            new = self.path("%s-%d.tape" % (command[0], turn))
            said = self.quiet(*command, tape, "-o", new)
            if said:
                self.assertEqual(json.loads(said)["lost"], 0)
            seen += self.run_of(self.numbers(self.quiet("cat", new)), first if command[0] == "recover" else None)
            self.quiet("verify", new)
        self.refused("gc", "--keep-size", "10k", tape)
        self.refused("compact", tape)
        self.refused("reindex", tape)
        evtest.run("evtape", "mark", tape, "turn %d" % turn)
        return seen

    def together(self, rounds, *options):
        tape = self.path("t.tape")
        p = self.start("evtape-record", "-", "-o", tape, "--segment-size", "20k", "--block-size", "16k", *options,
                       stdin=subprocess.PIPE)
        self.done = threading.Event()
        writer = threading.Thread(target=self.feed, args=(p.popen.stdin,))
        writer.start()
        try:
            self.wait_until("segments", lambda: os.path.exists(os.path.join(tape, "000003.ndjson.zst")))
            seen = sum(self.once(tape, turn, 0 if not options else None) for turn in range(rounds))
        finally:
            self.done.set()
            writer.join()
            p.popen.stdin.close()
        p.finish()
        self.run_of(self.numbers(self.quiet("cat", tape)), 0 if not options else None)
        self.quiet("verify", tape)
        texts = [m["payload"]["text"] for m in evtest.info(tape)["marks"] if m["mark"] == "note"]
        # Retention drops the first ones with their segments.
        self.assertTrue(texts)
        self.assertEqual(texts, ["turn %d" % i for i in range(rounds)][-len(texts) if options else 0:])
        return seen

    def test_all_tools(self):
        rounds = 20 if evtest.TORTURE else 2
        evtest.torture("evtape reads, cuts, recovers, marks and tries to clean a tape that is recorded", rounds,
                       self.together(rounds), 0)

    def test_while_segments_go(self):
        """Retention removes the oldest ones while they are read."""
        rounds = 20 if evtest.TORTURE else 2
        evtest.torture("evtape reads a tape whose oldest segments are dropped meanwhile", rounds,
                       self.together(rounds, "--keep-size", "60k"), 0)


if __name__ == "__main__":
    evtest.unittest.main()
