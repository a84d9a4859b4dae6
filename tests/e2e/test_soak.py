"""A short soak (tests/soak/run), and that its judges see what is wrong.

Environment: SOAK_SECONDS (60), SOAK_RATE (2000 states a second)."""

import json
import os
import subprocess
import sys

import evtest

SOAK = os.path.join(evtest.TOP, "tests", "soak")
sys.path.insert(0, SOAK)

# pylint: disable=wrong-import-position
import chart  # noqa: E402
import watch  # noqa: E402
from account import Account  # noqa: E402

SECONDS = int(os.environ.get("SOAK_SECONDS", "60"))
RATE = int(os.environ.get("SOAK_RATE", "2000"))
SANITIZED = any(s in os.path.basename(evtest.BUILD) for s in ("asan", "tsan"))


class Tape:
    """Envelopes as `evtape cat` prints them."""

    def __init__(self):
        self.lines = []

    def put(self, connection, kind, payload):
        self.lines.append(b'{"seq":%d,"time":"2026-03-01T12:00:00Z","connection":%d,"kind":"%s","payload":%s}' % (
            len(self.lines) + 1, connection, kind, payload))

    def states(self, connection, first, last):
        for serial in range(first, last + 1):
            self.put(connection, b"received", b'{"event":"state","serial":%d}' % serial)

    def mark(self, connection, kind):
        self.put(connection, b"mark", b'{"mark":"%s","reason":"a reason"}' % kind)

    def account(self, ledger):
        account = Account()
        for line in self.lines:
            account.line(line)
        return account, account.settle(ledger)


def client(no, ended, first, queued, written, taken):
    return {"client": no, "ended": ended, "first": first, "queued": queued, "written": written, "taken": taken}


class Judges(evtest.Case):
    """Invented faults that the soak must notice."""

    ledger = [client(1, "reset", 1, 12, 11, 10), client(2, "closed", 20, 30, 30, 28), {"made": 40}]

    def tape(self, ends=10, begins=20, mark=b"gap", last=30):
        t = Tape()
        t.states(1, 1, ends)
        if mark:
            t.mark(1, mark)
        t.states(2, begins, last)
        t.mark(0, b"stopped")
        return t

    def test_a_good_tape(self):
        account, sums = self.tape().account(self.ledger)
        self.assertEqual(account.wrong, [])
        self.assertEqual(account.gaps[0]["missing"], (11, 19))
        self.assertEqual({k: sums[k] for k in ("made", "on_tape", "missing", "not_sent", "not_written",
                                               "not_acknowledged", "unmarked")},
                         {"made": 40, "on_tape": 21, "missing": 19, "not_sent": 17, "not_written": 1,
                          "not_acknowledged": 1, "unmarked": 0})

    def wrong(self, tape, pattern, ledger=None):
        account, sums = tape.account(ledger or self.ledger)
        self.assertRegex("\n".join(account.wrong), pattern)
        return sums

    def test_missing_without_a_mark(self):
        sums = self.wrong(self.tape(mark=None), "states 11 to 19 are missing, and no gap mark")
        self.assertEqual(sums["unmarked"], 9)

    def test_missing_inside_a_connection(self):
        t = Tape()
        t.states(1, 1, 4)
        t.states(1, 6, 10)
        t.mark(1, b"gap")
        t.states(2, 20, 30)
        t.mark(0, b"stopped")
        self.assertEqual(self.wrong(t, "states 5 to 5 are missing")["unmarked"], 1)

    def test_twice_and_out_of_order(self):
        t = self.tape()
        t.lines.pop()
        t.states(2, 30, 30)
        t.mark(0, b"stopped")
        self.assertEqual(self.wrong(t, "state 30 comes behind state 30")["twice"], 1)

    def test_received_and_not_on_the_tape(self):
        sums = self.wrong(self.tape(ends=9), r"had the states up to 10 \(reset\), the tape ends at 9")
        self.assertEqual(sums["acknowledged_but_missing"], 1)

    def test_a_polite_end_loses_nothing(self):
        self.wrong(self.tape(last=29), r"up to 30 \(closed\), the tape ends at 29")

    def test_states_after_the_stop_are_not_lost(self):
        ledger = [self.ledger[0], client(2, "left", 20, 35, 34, 33), {"made": 40}]
        account, sums = self.tape().account(ledger)
        self.assertEqual((account.wrong, sums["after_the_end"]), ([], 5))
        self.assertEqual(sums["missing"], sums["not_sent"] + 2 + 5)

    def test_on_the_tape_and_never_sent(self):
        self.wrong(self.tape(ends=12), "wrote no further than 11")

    def test_a_frame_that_the_follower_missed(self):
        t = self.tape()
        del t.lines[3]
        self.wrong(t, "missed some")

    def test_no_end(self):
        t = self.tape()
        t.lines.pop()
        self.wrong(t, "recorder that stopped")

    def test_a_gap_of_nothing(self):
        t = Tape()
        t.states(1, 1, 10)
        t.mark(1, b"gap")
        t.states(2, 11, 30)
        t.mark(0, b"stopped")
        account, sums = t.account([client(1, "closed", 1, 10, 10, 10), client(2, "left", 11, 30, 30, 30), {"made": 30}])
        self.assertEqual((account.wrong, sums["gaps_of_nothing"], sums["missing"]), ([], 1, 0))

    def samples(self, rss, fds=lambda t: 10):
        return [{"t": t, "rss": int(rss(t)), "fds": fds(t), "cpu": t / 10} for t in range(1, 801)]

    def test_flat(self):
        figures, wrong = watch.judge(self.samples(lambda t: 20e6 + (t * 7919 % 100) * 1e4), 800)
        self.assertEqual(wrong, [])
        self.assertAlmostEqual(figures["cpu_percent"], 10)

    def test_a_leak_is_seen(self):
        _, wrong = watch.judge(self.samples(lambda t: 20e6 + t * 1000), 800)  # 3.4 MiB an hour
        self.assertRegex("\n".join(wrong), "KiB an hour")
        _, wrong = watch.judge(self.samples(lambda t: 20e6 + t * 10000), 800)
        self.assertRegex("\n".join(wrong), "rss grew from")
        _, wrong = watch.judge(self.samples(lambda t: 20e6, lambda t: 10 + t // 100), 800)
        self.assertRegex("\n".join(wrong), "fds grew from 1[23]")

    def test_a_chart(self):
        text = chart.svg("a <title>", "words", [("memory", "MiB", {"one": [(0, 1), (10, 2)], "two": [(0, 0)]})], 10, [5])
        done = subprocess.run([sys.executable, "-c", "import sys, xml.dom.minidom as m; m.parse(sys.stdin)"],
                              input=text.encode(), check=False)
        self.assertEqual(done.returncode, 0)
        self.assertIn("memory (MiB)", text)


class Soak(evtest.Case):
    def test_soak(self):
        out = self.path("out")
        # Sanitizers keep freed memory for a while: it is theirs that grows.
        more = ["--no-flat"] if SANITIZED else []
        done = subprocess.run([sys.executable, os.path.join(SOAK, "run"), "--seconds", str(SECONDS), "--rate", str(RATE),
                               "--out", out, "--dir", self.dir, *more], check=False, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=SECONDS + 8 * evtest.DEADLINE)
        self.assertEqual(done.returncode, 0, done.stdout.decode())
        with open(os.path.join(out, "soak.json"), encoding="ascii") as f:
            got = json.load(f)
        # How many is a matter of the machine's speed; that there are some is not.
        self.assertGreater(got["states"]["on_tape"], RATE)
        self.assertGreater(got["states"]["gaps"], 0)
        self.assertEqual(set(got["programs"]), {"sim", "record", "follow", "replay"})


if __name__ == "__main__":
    evtest.unittest.main()
