"""A tape from a stranger can do nothing but be read: every command and the replayer,
on tapes with right checksums under which everything else is wrong, need little time
and memory, end by themselves, and write nowhere else."""

import concurrent.futures
import json
import os
import re
import shutil
import subprocess
import sys
import urllib.error
import urllib.request

import evtest

sys.path.insert(0, os.path.join(evtest.TOP, "tests"))

import hostilelib as h  # noqa: E402
from hostilelib import T0, block, frame, journal, put, segment  # noqa: E402

MIN, MAX = -(1 << 63), (1 << 63) - 1
SECONDS, MIB = 20, 256
# Memory that sanitizers add does not count.
SANITIZED = os.path.basename(evtest.BUILD) in ("asan", "tsan", "ubsan", "cov")

# {} is a copy of the tape, OUT a new name; OK another tape.
COMMANDS = [
    "evtape info {}", "evtape info --json {}", "evtape ls {}", "evtape ls --json {}", "evtape cat {}",
    "evtape cat --format envelope --marks --sent {}", "evtape cat --from +10s --to -1s {}", "evtape cat --source 1 {}",
    "evtape stats {}", "evtape stats --json --bucket 1h {}", "evtape stats --plot OUT {}",
    "evtape cut {} --from +1s --state -o OUT", "evtape merge {} OK -o OUT", "evtape merge --dedup OK {} -o OUT",
    "evtape split --every 1h {} -o OUT", "evtape split --size 1KiB {} -o OUT", "evtape split --by-source {} -o OUT",
    "evtape diff {} OK", "evtape diff OK {}", "evtape diff {} {}", "evtape scrub {} -o OUT",
    "evtape export csv {}", "evtape export geojson {}", "evtape export gpx {}", "evtape export kml {}",
    "evtape export envelopes {}", "evtape export lines {}", "evtape export mcap {} -o OUT", "evtape export sqlite {} -o OUT",
    "evtape mark {} here", "evtape mark --list {}", "evtape verify {}", "evtape verify --json {}",
    "evtape recover {} -o OUT", "evtape reindex {}", "evtape compact {}", "evtape gc --keep-age 1h {}",
    "evtape gc --keep-size 1KiB {}", "evtape-replay --speed max {}", "evtape-replay --speed max --rebase --max-gap 1s {}",
    "evtape-replay --speed max --from +1s -o envelope --marks {}", "evtape-record -q -o {} -",
]
# The requests to the server of a replayer.
PATHS = ["/api/tape", "/api/timeline", "/api/sources", "/api/frames?limit=1000", "/api/deck", "/api/marks",
         "/api/sources/1/track", "/metrics"]


class Tapes(evtest.Case):
    def setUp(self):
        super().setUp()
        segment(self.path("ok.tape"), [block([frame(i) for i in range(5)])])
        self.n = 0

    def tape(self, name):
        path = self.path(name + ".tape")
        os.makedirs(path)
        return path

    def one(self, command, tape, number):
        """Run it on a copy; returns what went wrong, or None."""
        where = self.path("run%d" % number)
        os.makedirs(where)
        copy = os.path.join(where, "t.tape")
        subprocess.run(["cp", "-a", "--sparse=always", tape, copy], check=True)
        argv = [copy if a == "{}" else os.path.join(where, "new") if a == "OUT" else self.path("ok.tape") if a == "OK" else a
                for a in command.split()]
        argv[0] = evtest.program(argv[0])
        env = dict(os.environ, TMPDIR=where, UBSAN_OPTIONS="halt_on_error=1:print_stacktrace=1")
        put(where, "in", b'{"a":1}\n')
        with open(os.path.join(where, "in"), "rb") as given, open(os.path.join(where, "out"), "wb") as out, open(
                os.path.join(where, "err"), "wb") as err:
            child = subprocess.Popen(argv, cwd=where, stdin=given, stdout=out, stderr=err, env=env)
            _, status, used = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
        with open(os.path.join(where, "err"), "rb") as f:
            said = f.read(1 << 20).decode("utf-8", "replace")
        shutil.rmtree(where)
        wrong = []
        if child.returncode not in (0, 1, 2, 3) or re.search("runtime error|Sanitizer", said):
            wrong.append("ended with %d" % child.returncode)
        if child.returncode in (1, 2) and not said:
            wrong.append("failed without a word")
        if not SANITIZED and used.ru_maxrss > MIB << 10:
            wrong.append("needs %d MiB" % (used.ru_maxrss >> 10))
        if not SANITIZED and used.ru_utime + used.ru_stime > SECONDS:
            wrong.append("needs %.1f s" % (used.ru_utime + used.ru_stime))
        return "%s: %s: %s\n%s" % (os.path.basename(tape), command, ", ".join(wrong), said[-1500:]) if wrong else None

    def serve(self, tape):
        """A replayer that serves the tape answers, and ends when it is asked to."""
        server = evtest.Proc([evtest.program("evtape-replay"), tape, "--listen", "0", "--speed", "max", "--no-follow"])
        self.addCleanup(server.kill)
        try:
            url = server.wait_for(rb"http://[0-9.:]+").group().decode()
        except AssertionError:
            self.assertIn(server.finish(check=None), (1, 2, 3))
            return
        for path in PATHS:
            try:
                with urllib.request.urlopen(url + path, timeout=evtest.DEADLINE) as answer:
                    body = answer.read()
            except urllib.error.HTTPError as e:
                self.assertIn(e.code, (400, 404, 409), (tape, path, e.read()))
                continue
            except OSError as e:
                raise AssertionError("%s: %s: %s\n%s" % (tape, path, e, server.err.decode("utf-8", "replace"))) from None
            if path != "/metrics":
                json.loads(body)
        with open("/proc/%d/status" % server.pid, encoding="ascii") as f:
            peak = int(re.search(r"VmHWM:\s*(\d+)", f.read()).group(1)) >> 10
        if not SANITIZED:
            self.assertLess(peak, MIB, tape)
        self.assertIn(server.finish(sig=2, check=None), (0, 3), server.err)

    def all_of(self, *tapes, commands=COMMANDS):
        jobs = [(c, t) for t in tapes for c in commands]
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            wrong = [w for w in pool.map(lambda job: self.one(job[1][0], job[1][1], job[0]), enumerate(jobs)) if w]
        self.assertEqual(wrong, [], "\n".join(wrong))
        for tape in tapes:
            with self.subTest(os.path.basename(tape)):
                self.serve(tape)


class Times(Tapes):
    """Times at the ends of their range; run it with `make asan SUITES=test_hostile_tapes`
    to see overflows."""

    def test_times(self):
        tapes = []
        for name, times in (("ends", (MIN, MAX, 0, -1)), ("late", (MAX, MAX, MAX - 1)), ("early", (MIN, MIN, MIN + 1)),
                            ("back", (MAX, T0, MIN)), ("middle", (T0, MIN, T0 + 1, MAX))):
            tapes.append(self.tape(name))
            own = [frame(time=t, payload=h.STATE % s, sources=[b"%d" % s]) for t in times for s in (1, 2)]
            segment(tapes[-1], [block(own), block(own, number=1, seq=1 + len(own))])
        tapes.append(self.tape("steady"))
        segment(tapes[-1], [block([frame(i, mono=m) for i, m in enumerate((MIN, MAX, 0, MAX, MIN))])])
        tapes.append(self.tape("headers"))
        segment(tapes[-1], [block([frame(i) for i in range(3)], least=MIN, greatest=MAX)])
        tapes.append(self.tape("journal"))
        segment(tapes[-1], [block([frame(i) for i in range(3)])], sealed=False)
        put(tapes[-1], "journal/%020d.evj" % 4, journal([frame(time=t) for t in (MIN, MAX, 0)], 4))
        self.all_of(*tapes)

    def test_marks(self):
        """Marks have times in their payloads, too."""
        tape = self.tape("marks")
        times = ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "-9223372036854775808", "1e400", "")
        frames = [frame(time=t, kind=2, op=op, conn=0, event=None, sources=(), payload=json.dumps(
            {"mark": name, "from": a, "to": b, "before": a, "frames": -1, "seconds": 1e300, "step_ns": MIN,
             "let_go": MAX, "removes": MAX, "text": "here"}).encode())
            for t in (MIN, MAX) for a in times for b in times[:2]
            for op, name in ((5, "gap"), (6, "clock"), (7, "note"), (8, "state"), (10, "trigger"))]
        segment(tape, [block(frames + [frame(0)])])
        self.all_of(tape)


if __name__ == "__main__":
    evtest.unittest.main()
