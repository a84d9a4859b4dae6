"""POST /api/marks: bookmarks are set and removed as `evtape mark` does."""

import os
import subprocess
import unittest

import evtest
from evtest import run
from test_control import ControlCase, dump, moved
from test_replay import S, T0
from test_replay_ws import TOKEN


class Bookmarks(ControlCase):
    def call(self, status=200, headers=(), **body):
        got, _, answer = self.request("POST", "/api/marks", dump(body).encode(), headers=headers)
        self.assertEqual(got, status, answer)
        return answer

    def notes(self):
        return [(m["time_ns"], m["text"]) for m in self.get("marks")["marks"] if m["mark"] == "note"]

    def test_set_and_removed(self):
        tape = self.tape("t.tape", [(i * S, moved(1, i)) for i in range(60)])
        self.serve(tape)
        self.call(time="+10s", text="the jump")
        self.call(time="@%d" % (T0 + 20 * S + 5), text="--remove 'x' \u00e4 \" \\")
        want = [(T0 + 10 * S, "the jump"), (T0 + 20 * S + 5, "--remove 'x' \u00e4 \" \\")]
        self.assertEqual(self.notes(), want)
        self.assertIn(b"the jump", run("evtape", "mark", "--list", tape).stdout)
        # The deck can go there at once, and plays on.
        self.assertEqual(self.post("seek", to="mark:the jump")["time_ns"], T0 + 10 * S)
        seq = next(m["seq"] for m in self.get("marks")["marks"] if m.get("text") == "the jump")
        self.call(remove=seq)
        self.assertEqual(self.notes(), want[1:])
        self.assertIn(b"no bookmark", self.call(status=500, remove=seq))
        run("evtape", "verify", tape)

    def test_refused(self):
        tape = self.tape("t.tape", [(i * S, moved(1, i)) for i in range(5)])
        self.serve(tape)
        for body, words in (({}, b"give a text"), ({"time": "+1s"}, b"give a text"), ({"text": "x", "time": "soon"}, b"soon"),
                            ({"text": 7, "time": "+1s"}, b"text must be a text"), ({"remove": -1}, b"remove must be"),
                            ({"text": "x\0y", "time": "+1s"}, b"NUL")):
            with self.subTest(body):
                self.assertIn(words, self.call(status=400, **body))
        # A page of somebody else may not.
        self.call(status=403, headers={"Origin": "https://example.com"}, time="+1s", text="x")
        self.assertEqual(self.notes(), [])
        self.stop()
        token = self.write("token", TOKEN + "\n")
        self.serve("--token-file", token, tape)
        self.call(status=401, time="+1s", text="x")

    @unittest.skipIf(os.geteuid() == 0, "root writes everywhere")
    def test_a_tape_that_cannot_be_written(self):
        tape = self.tape("t.tape", [(i * S, moved(1, i)) for i in range(5)])
        self.serve(tape)
        os.chmod(os.path.join(tape, "journal"), 0o500)
        self.addCleanup(os.chmod, os.path.join(tape, "journal"), 0o700)
        self.assertIn(b"Permission denied", self.call(status=500, time="+1s", text="x"))

    def test_while_it_is_recorded(self):
        tape = self.path("live.tape")
        recorder = self.start("evtape-record", "-", "-o", tape, stdin=subprocess.PIPE)
        recorder.popen.stdin.write(b"".join(moved(1, i).encode() + b"\n" for i in range(50)))
        recorder.popen.stdin.flush()
        self.wait_until("frames", lambda: os.path.exists(os.path.join(tape, "tape.db")) and evtest.info(tape)["received"] == 50)
        self.serve(tape)
        self.call(time="+0s", text="while it is recorded")
        self.wait_until("the bookmark", lambda: "while it is recorded" in [t for _, t in self.notes()])
        recorder.popen.stdin.close()
        recorder.finish()
        run("evtape", "verify", tape)


if __name__ == "__main__":
    unittest.main()
