"""evtape-record --keep-last: the last seconds are held, and are put onto the tape only
around a trigger; kill -9 loses no frame."""

import json
import os
import re
import signal
import subprocess
import threading

import evtest

load_tests = evtest.side_by_side

NS = 10 ** 9


def line(turn, i, more=""):
    return b'{"event":"state","turn":%d,"i":%d,"data":[{"source_id":%d%s}]}' % (turn, i, 10001 + i % 50, more.encode())


class Feed(threading.Thread):
    """Writes lines until it is stopped, at a pace that the checks can follow."""

    def __init__(self, pipe, turn=0):
        super().__init__()
        self.pipe, self.turn, self.i, self.ends = pipe, turn, 0, threading.Event()
        self.start()

    def run(self):
        try:
            while not self.ends.wait(0.01):
                self.pipe.write(line(self.turn, self.i) + b"\n")
                self.pipe.flush()
                self.i += 1
        except (BrokenPipeError, ValueError):
            pass

    def stop(self):
        self.ends.set()
        self.join()


class Pretrigger(evtest.Case):
    def record(self, *args, tape="p.tape"):
        self.tape = self.path(tape)
        return self.start("evtape-record", "-", "-o", self.tape, "--json", *args, stdin=subprocess.PIPE)

    def status(self, recorder, what, condition):
        """Wait until the recorder's status meets a condition."""
        def look():
            said = evtest.lines(recorder.out[:recorder.out.rfind(b"\n") + 1])
            last = json.loads(said[-1]) if said else None
            return last if last and condition(last) else None
        return self.wait_until(what, look)

    def put(self, recorder, *lines):
        recorder.popen.stdin.write(b"".join(x + b"\n" for x in lines))
        recorder.popen.stdin.flush()

    def stop(self, recorder, check=0):
        recorder.finish(evtest.SIGINT, check=check)
        recorder.popen.stdin.close()

    def received(self):
        return [f for f in evtest.frames(self.tape) if f["kind"] == "received"]

    def marks(self, name):
        return [f for f in evtest.frames(self.tape) if f.get("mark") == name]

    def check_window(self, frames, keep, after):
        """From one armed mark to the next: the held frames, the trigger, the frames
        after it."""
        at = [i for i, f in enumerate(frames) if f.get("mark") == "trigger"]
        self.assertEqual(len(at), 1)
        trigger, before, behind = frames[at[0]], frames[1:at[0]], frames[at[0] + 1:-1]
        self.assertEqual(frames[-1]["mono_ns"], trigger["mono_ns"] + after)
        self.assertTrue(before and behind)
        for f in before:
            self.assertEqual(f["kind"], "received")
            self.assertGreaterEqual(f["mono_ns"], trigger["mono_ns"] - keep)
        for f in behind:
            self.assertEqual(f["kind"], "received")
            self.assertLessEqual(f["mono_ns"], trigger["mono_ns"] + after)
        # No frame is missing between the first and the last.
        first = before[0]["payload"]["i"]
        self.assertEqual([f["payload"]["i"] for f in before + behind],
                         list(range(first, first + len(before) + len(behind))))
        self.assertEqual(trigger["payload"]["frames"], len(before))
        return trigger["payload"], first, first + len(before) + len(behind)

    def test_a_signal(self):
        recorder = self.record("--keep-last", "3s", "--keep-after", "2s")
        feed = Feed(recorder.popen.stdin)
        seen = self.status(recorder, "frames let go", lambda s: s["let_go"] > 0 and s["armed"])
        self.assertEqual((seen["frames"], seen["triggers"]), (0, 0))
        self.assertGreater(seen["held_frames"], 0)
        recorder.signal(signal.SIGUSR1)
        recorder.wait_for(rb"armed again")
        self.status(recorder, "more let go", lambda s: s["let_go"] > seen["let_go"] + 50)
        recorder.signal(signal.SIGUSR1)
        recorder.wait_for(rb"(?s)armed again.*armed again")
        self.status(recorder, "some held", lambda s: s["armed"] and s["triggers"] == 2 and s["held_frames"] > 0)
        feed.stop()
        self.stop(recorder)
        self.assertIn(b"no trigger came: discarded", recorder.err)
        self.assertIn(b", 2 triggers, ", recorder.err)
        frames = evtest.frames(self.tape)
        at = [i for i, f in enumerate(frames) if f.get("mark") == "armed"]
        self.assertEqual(len(at), 3)
        self.assertEqual([f["mark"] for f in frames[:2] + frames[at[2]:]], ["started", "armed", "armed", "stopped"])
        self.assertEqual(frames[1]["payload"], {"mark": "armed", "keep_s": 3, "after_s": 2})
        end = 0
        for a, b in zip(at, at[1:]):
            trigger, first, last = self.check_window(frames[a:b + 1], 3 * NS, 2 * NS)
            self.assertEqual(trigger["cause"], "signal")
            # The mark has the number of frames between the windows.
            self.assertEqual(first, end + trigger["let_go"])
            end = last
        self.check_use(frames)

    def check_use(self, frames):
        """The tape is one as any other."""
        want = [json.dumps(f["payload"]) for f in frames if f["kind"] == "received"]
        evtest.run("evtape", "verify", self.tape)
        plain = subprocess.run(["zstdcat", *sorted(e.path for e in os.scandir(self.tape) if e.name.endswith(".zst"))],
                               stdout=subprocess.PIPE, check=True).stdout
        self.assertEqual([json.dumps(json.loads(x)) for x in evtest.lines(plain)], want)
        played = evtest.run("evtape-replay", self.tape, "--speed", "max").stdout
        self.assertEqual([json.dumps(json.loads(x)) for x in evtest.lines(played)], want)
        self.assertEqual(os.listdir(os.path.join(self.tape, "journal", "ring")), [])

    def test_a_match(self):
        recorder = self.record("--keep-last", "1h", "--keep-after", "0", "--trigger", "/data/*/alarm=true",
                               "--trigger", "/code=SOS=1")
        self.put(recorder, *(line(0, i) for i in range(20)), line(0, 20, ',"alarm":"no"'), line(0, 21, ',"alarm":true'))
        recorder.wait_for(rb"trigger \(match /data/\*/alarm=true\): wrote 22 held frame")
        # In the same read, so at the same time: it belongs to the window still.
        self.put(recorder, line(1, 0), b'{"code":"SOS=1"}')
        recorder.wait_for(rb"trigger \(match /code=SOS=1\): wrote 2 held frame")
        self.put(recorder, line(2, 0))
        self.status(recorder, "the last", lambda s: s["held_frames"] == 1 and s["frames"] == 24)
        self.stop(recorder)
        self.assertIn(b"discarded 1 held frame", recorder.err)
        got = [f["payload"].get("turn", "sos") for f in self.received()]
        self.assertEqual(got, [0] * 22 + [1, "sos"])
        self.assertEqual([(m["payload"]["cause"], m["payload"]["what"], m["payload"]["frames"], m["payload"]["let_go"])
                          for m in self.marks("trigger")],
                         [("match", "/data/*/alarm=true", 22, 0), ("match", "/code=SOS=1", 2, 0)])

    def test_a_mark(self):
        recorder = self.record("--keep-last", "1h", "--keep-after", "1h")
        self.put(recorder, *(line(0, i) for i in range(5)))
        self.status(recorder, "five held", lambda s: s["held_frames"] == 5)
        self.assertGreater(evtest.info(self.tape)["ring_bytes"], 0)
        self.assertIn(b"held for a trigger", evtest.run("evtape", "info", self.tape).stdout)
        evtest.run("evtape", "verify", self.tape)
        # An ordinary bookmark is not a trigger, and does not wait for one.
        evtest.run("evtape", "mark", self.tape, "nothing yet")
        self.wait_until("the bookmark", lambda: self.marks("note"))
        self.assertEqual(self.received(), [])
        done = evtest.run("evtape", "mark", "--trigger", self.tape, "engine fault")
        self.assertIn(b"queued for the recorder of", done.stderr)
        recorder.wait_for(rb"trigger \(mark\): wrote 5 held frame")
        # While frames are written, another trigger makes the window longer, and is
        # marked.
        self.put(recorder, line(0, 5))
        evtest.run("evtape", "mark", "--trigger", self.tape)
        recorder.wait_for(rb"trigger \(mark\): wrote 0 held frame")
        self.stop(recorder)
        self.assertEqual([f["payload"]["i"] for f in self.received()], list(range(6)))
        self.assertEqual([m["payload"]["what"] for m in self.marks("trigger")], ["engine fault", None])
        self.assertEqual([m["payload"]["text"] for m in self.marks("note")], ["nothing yet", "engine fault"])
        played = evtest.run("evtape-replay", self.tape, "--speed", "max", "--from", "mark:nothing yet").stdout
        self.assertEqual(len(evtest.lines(played)), 1)

    def test_a_trigger_that_comes_too_late(self):
        """Left for a recorder that died: its bookmark is set all the same."""
        recorder = self.record("--keep-last", "1h")
        self.put(recorder, line(0, 0))
        self.status(recorder, "one held", lambda s: s["held_frames"] == 1)
        recorder.signal(signal.SIGSTOP)
        evtest.run("evtape", "mark", "--trigger", self.tape, "too late")
        recorder.popen.kill()
        recorder.finish(check=-9)
        recorder.popen.stdin.close()
        evtest.run("evtape", "mark", self.tape, "behind it")
        self.assertEqual([m["payload"]["text"] for m in self.marks("note")], ["behind it", "too late"])
        self.assertEqual([m["payload"]["cause"] for m in self.marks("trigger")], ["recovered"])
        self.assertEqual(len(self.received()), 1)

    def test_marks_that_cannot_trigger(self):
        recorder = self.record(tape="plain.tape")
        self.status(recorder, "a status", lambda s: True)
        done = evtest.run("evtape", "mark", "--trigger", self.tape, "x", check=1)
        self.assertIn(b"its recorder does not wait for a trigger", done.stderr)
        recorder.signal(signal.SIGUSR1)
        recorder.wait_for(rb"trigger ignored: this recording holds nothing back")
        self.put(recorder, line(0, 0))
        self.status(recorder, "a frame", lambda s: s["frames"] == 1)
        self.stop(recorder)
        done = evtest.run("evtape", "mark", "--trigger", self.tape, check=1)
        self.assertIn(b"no process is recording to it", done.stderr)
        self.assertEqual(self.marks("note") + self.marks("trigger"), [])
        for args in (("--list",), ("--at", "+1s", "x"), ("--remove", "x")):
            evtest.run("evtape", "mark", "--trigger", self.tape, *args, check=2)

    def test_without_a_trigger(self):
        """Held frames are dropped at a clean stop; --frames counts the frames on the
        tape."""
        recorder = self.record("--keep-last", "1h")
        self.put(recorder, *(line(0, i) for i in range(5)))
        self.status(recorder, "five held", lambda s: s["held_frames"] == 5)
        self.stop(recorder)
        self.assertIn(b"no trigger came: discarded 5 held frames", recorder.err)
        self.assertEqual(self.received(), [])
        self.check_use([])
        recorder = self.record("--keep-last", "1h", "--keep-after", "1h", "--frames", "7", tape="n.tape")
        self.put(recorder, *(line(0, i) for i in range(9)))
        self.status(recorder, "nine held", lambda s: s["held_frames"] == 9)
        recorder.signal(signal.SIGUSR1)
        recorder.finish()
        recorder.popen.stdin.close()
        self.assertEqual(len(self.received()), 9)

    def test_a_bound(self):
        recorder = self.record("--keep-last", "1h", "--keep-last-size", "1MiB", "--sync", "off")
        text = b'"' + b"x" * 1000 + b'"'
        for _ in range(50):
            self.put(recorder, *[text] * 100)
        seen = self.status(recorder, "all taken", lambda s: s["held_frames"] + s["let_go"] == 5000)
        self.assertLessEqual(seen["held_bytes"], 1 << 20)
        self.assertGreater(seen["held_bytes"], 700000)
        self.assertEqual(evtest.info(self.tape)["ring_bytes"], seen["held_bytes"])
        self.stop(recorder)
        self.assertEqual(recorder.err.count(b"the held frames reached their size limit of"), 1)

    def test_a_feed(self):
        """What explains a window precedes it: the connection, the list of trackers, and
        the platform's response."""
        self.write("hash", "0123456789abcdef0123456789abcdef\n")
        listing = self.write("list.json", '{"success":true,"list":[{"id":1,"label":"A","source":{"id":10001}}]}')
        sim = self.start("evtape-sim", "--rate", "200", "--hash", self.path("hash"))
        url = sim.wait_for(rb"listening on (ws://\S+)\n").group(1).decode()
        self.tape = self.path("f.tape")
        recorder = self.start("evtape-record", url + "/event/subscription", "--credential-file", self.path("hash"),
                              "-o", self.tape, "--json", "--keep-last", "1s", "--keep-after", "200ms",
                              "--rate-limit", "100ms", "--tracker-list", listing)
        seen = self.status(recorder, "frames let go", lambda s: s["let_go"] > 10)
        self.assertEqual(seen["frames"], 1)  # the response
        recorder.signal(signal.SIGUSR1)
        recorder.wait_for(rb"armed again")
        recorder.finish(evtest.SIGINT)
        frames = evtest.frames(self.tape)
        kinds = [f.get("mark", f["kind"]) for f in frames]
        response = kinds.index("received")
        self.assertEqual(frames[response]["payload"]["type"], "response")
        first = kinds.index("received", response + 1)
        self.assertLess(kinds.index("connected"), response)
        self.assertLess(kinds.index("trackers"), first)
        self.assertEqual({f["connection"] for f in frames if f["kind"] == "received"},
                         {frames[kinds.index("connected")]["connection"]})
        self.assertEqual([f["seq"] for f in frames], list(range(1, len(frames) + 1)))
        self.assertEqual(kinds.count("gap"), 0)
        self.assertEqual((kinds.count("connected"), kinds.count("disconnected")), (1, 1))
        trigger = frames[kinds.index("trigger")]
        self.assertGreater(trigger["payload"]["let_go"], 10)
        held = frames[first:kinds.index("trigger")]
        self.assertEqual(len(held), trigger["payload"]["frames"])
        for f in held:
            self.assertGreaterEqual(f["mono_ns"], trigger["mono_ns"] - NS)
        evtest.run("evtape", "verify", self.tape)

    def one_kill(self, turn):
        """Kill it when it holds some; the number that it said it holds."""
        recorder = self.record("--keep-last", "1h", "--keep-after", "0", "--sync", ("off", "0", "1s")[turn % 3],
                               "--block-size", "8k")
        feed = Feed(recorder.popen.stdin, turn)
        recorder.wait_for(rb'"held_frames":[1-9]', "out")
        if turn % 2:
            # During the move, or just before or after it.
            recorder.signal(signal.SIGUSR1)
            if turn % 4 == 3:
                ring = os.path.join(self.tape, "journal", "ring", "%020d.evj" % 1)
                self.wait_until("the first part moved", lambda: not os.path.exists(ring))
        recorder.popen.kill()
        feed.stop()
        try:
            recorder.popen.stdin.close()
        except BrokenPipeError:
            pass
        recorder.finish(check=-9)
        return max(int(a) + int(b) for a, b in
                   re.findall(rb'"frames":(\d+).*"held_frames":(\d+)', recorder.out))

    def test_kill(self):
        reported = []
        for turn in range(60 if evtest.TORTURE else 4):
            reported.append(self.one_kill(turn))
            evtest.run("evtape", "verify", self.tape)
        # Any process that writes to the tape next saves the held frames.
        evtest.run("evtape", "mark", self.tape, "closed")
        info = evtest.info(self.tape)
        self.assertEqual((info["ring_files"], info["journal_bytes"], info["unclosed"]), (0, 0, False))
        evtest.run("evtape", "verify", self.tape)
        seen = [0] * len(reported)
        frames = evtest.frames(self.tape)
        self.assertEqual([f["seq"] for f in frames], list(range(1, len(frames) + 1)))
        for f in frames:
            if f["kind"] == "received":
                turn = f["payload"]["turn"]
                self.assertEqual(f["payload"]["i"], seen[turn], "turn %d" % turn)
                seen[turn] += 1
        for turn, n in enumerate(reported):
            self.assertGreaterEqual(seen[turn], n, "turn %d" % turn)
        self.assertIn("recovered", [m["payload"]["cause"] for m in self.marks("trigger")])
        self.assertEqual(self.marks("gap"), [])
        evtest.torture("kill -9 while a ring is armed", len(reported), sum(reported), 0)

    def test_usage(self):
        for args, says in ((("--trigger", "/a=b"), b"needs --keep-last"),
                           (("--keep-after", "1s"), b"needs --keep-last"),
                           (("--keep-last-size", "2MiB"), b"needs --keep-last"),
                           (("--keep-last", "1ms"), b"--keep-last is from 100ms to 30d"),
                           (("--keep-last", "1m", "--keep-last-size", "1k"), b"--keep-last-size is at least 1MiB"),
                           (("--keep-last", "1m", "--trigger", "/a"), b"a trigger is PATH=VALUE"),
                           (("--keep-last", "1m", "--trigger", "a=b"), b"trigger 'a=b': ")):
            done = evtest.run("evtape-record", "-", "-o", self.path("u.tape"), *args, check=2)
            self.assertIn(says, done.stderr)
        self.assertFalse(os.path.exists(self.path("u.tape")))


if __name__ == "__main__":
    evtest.unittest.main()
