"""evtape-replay to stdout: which frames are played, when, in which form, and how it
ends. Most tapes are made by mktape, so that their times are exact."""

import base64
import datetime
import fcntl
import gzip
import json
import os
import pty
import select
import signal
import socket
import struct
import subprocess
import tempfile
import termios
import time
import unittest

import evtest
from evtest import Case, lines, program, run

S = 10**9
MS = 10**6
T0 = 1772369503 * S  # 2026-03-01T12:51:43Z


def state(source, n):
    return '{"type":"event","event":"state","data":{"source_id":%s,"n":%d}}' % (
        json.dumps(source), n)


class ReplayCase(Case):
    def tape(self, name, rows, block=None, code=0):
        """A tape of rows: (ns after T0, payload), or whole lines of mktape."""
        text = "".join(r if isinstance(r, str) else
                       "%d received 1 1 %s\n" % (T0 + r[0], r[1]) for r in rows)
        path = self.path(name)
        done = subprocess.run(
            [os.path.join(evtest.BUILD, "tests", "mktape"), path] + ([str(block)] if block else []),
            input=text.encode(), stderr=subprocess.PIPE, check=False)
        self.assertEqual(done.returncode, code, done.stderr)
        return path

    def states(self, name="t.tape", n=10, step=10 * MS, sources=3, block=None):
        return self.tape(name, [(i * step, state(10001 + i % sources, i)) for i in range(n)], block)

    def replay(self, *args, check=0):
        """The lines on stdout and the report."""
        done = run("evtape-replay", "--json", *args, check=check)
        return lines(done.stdout), json.loads(lines(done.stderr)[-1])

    def numbers(self, *args):
        """The n of each frame, at full speed."""
        out, _ = self.replay("--speed", "max", *args)
        return [json.loads(line)["data"]["n"] for line in out]

    def fails(self, code, words, *args):
        """It ends with the code and one line that says the words."""
        done = run("evtape-replay", *args, check=code)
        err = done.stderr.decode()
        self.assertIn(words, err)
        self.assertLessEqual(len(lines(done.stderr)), 2, err)
        self.assertEqual(done.stdout, b"")


class Forms(ReplayCase):
    ROWS = [
        (0, state(1, 0)),
        "%d/%d received 2 1 hex:00ff0a00\n" % (T0 + 1, T0 + 2),
        "%d received 1 2 X\n" % (T0 + 2),
        "%d received 1 2 \n" % (T0 + 3),
        "%d received 1 2 hex:7b0a7d\n" % (T0 + 4),
        "%d received 1 2 hex:ff22\n" % (T0 + 5),
        "%d sent 1 2 {\"action\":\"subscribe\"}\n" % (T0 + 6),
        "%d mark 3 2 {\"mark\":\"connected\"}\n" % (T0 + 7),
    ]

    def test_lines(self):
        tape = self.tape("t.tape", self.ROWS)
        done = run("evtape-replay", "-q", tape)
        self.assertEqual(done.stdout, state(1, 0).encode() +
                         b"\n\x00\xff\n\x00\nX\n\n{\n}\n\xff\"\n")
        self.assertEqual(done.stderr, b"")

    def test_stamped(self):
        tape = self.tape("t.tape", self.ROWS)
        out = run("evtape-replay", "-q", "--output", "stamped", tape).stdout
        self.assertTrue(out.startswith(b"2026-03-01T12:51:43.000000000Z\t{"), out)
        self.assertIn(b"\n2026-03-01T12:51:43.000000002Z\tX\n", out)

    def test_binary(self):
        tape = self.tape("t.tape", self.ROWS)
        out = run("evtape-replay", "-q", "-o", "binary", "--sent", "--marks", tape).stdout
        got = []
        while out:
            size, = struct.unpack_from("<I", out)
            got.append(struct.unpack_from("<qqQIHBB", out, 4) + (out[36:4 + size],))
            out = out[4 + size:]
        self.assertEqual(got[0], (T0, T0, 1, 1, 0, 0, 1, state(1, 0).encode()))
        self.assertEqual(got[1], (T0 + 1, T0 + 2, 2, 1, 0, 0, 2, b"\x00\xff\n\x00"))
        self.assertEqual(got[3][-1], b"")
        self.assertEqual(got[6][5:], (1, 1, b'{"action":"subscribe"}'))
        self.assertEqual(got[7][5:], (2, 3, b'{"mark":"connected"}'))
        self.assertEqual(len(got), 8)

    def test_envelope(self):
        tape = self.tape("t.tape", self.ROWS)
        out, _ = self.replay("-o", "envelope", "--sent", "--marks", tape)
        f = [json.loads(line) for line in out]
        self.assertEqual(f[0], {
            "seq": 1, "time": "2026-03-01T12:51:43.000000000Z", "time_ns": T0, "mono_ns": T0,
            "connection": 1, "kind": "received", "opcode": "text", "event": "state",
            "sources": [1], "payload": json.loads(state(1, 0))})
        self.assertEqual(base64.b64decode(f[1]["payload_base64"]), b"\x00\xff\n\x00")
        self.assertEqual((f[1]["opcode"], f[1]["mono_ns"]), ("binary", T0 + 2))
        self.assertEqual([g["payload_text"] for g in f[2:5]], ["X", "", "{\n}"])
        self.assertEqual(base64.b64decode(f[5]["payload_base64"]), b"\xff\"")
        self.assertEqual((f[6]["kind"], f[6]["payload"]), ("sent", {"action": "subscribe"}))
        self.assertEqual((f[7]["kind"], f[7]["mark"]), ("mark", "connected"))
        self.assertNotIn("tape", f[0])

    def test_kinds(self):
        tape = self.tape("t.tape", self.ROWS)
        for args, want in (([], 6), (["--sent"], 7), (["--marks"], 7),
                           (["--sent", "--marks"], 8)):
            self.assertEqual(self.replay(*args, tape)[1]["frames"], want)


class Windows(ReplayCase):
    def test_times(self):
        tape = self.tape("t.tape", [(i * 60 * S, state(i % 3, i)) for i in range(10)])
        for start, end, want in (
                ("2026-03-01T12:54:43Z", "2026-03-01 12:56:43", [3, 4]),
                ("2026-03-01T14:54:43+02:00", "2026-03-01 12:56:43.000000001", [3, 4, 5]),
                ("12:59", "13:00", [8]),
                ("12:59:43", "12:59:43.5", [8]),
                ("+1m", "+3m", [1, 2]),
                ("-2m", "-1m", [7]),
                (str(T0 // S + 60), str(T0 // MS + 120000), [1]),
                ("2026-03-01", "12:52", [0])):
            with self.subTest(start=start):
                self.assertEqual(self.numbers("--from", start, "--to", end, tape), want)

    def test_mark(self):
        rows = [(i * S, state(1, i)) for i in range(3)]
        rows.append("%d mark 7 0 {\"mark\":\"note\",\"text\":\"lap 2\"}\n" % (T0 + 2 * S + 1))
        rows += [(i * S, state(1, i)) for i in range(3, 5)]
        tape = self.tape("t.tape", rows)
        self.assertEqual(self.numbers("--from", "mark:lap 2", tape), [3, 4])
        self.assertEqual(self.numbers("--to=mark:lap 2", tape), [0, 1, 2])
        self.fails(2, "lap 3", "--from", "mark:lap 3", tape)

    def test_sources_and_events(self):
        rows = [(i * MS, state(("a", 7, "b")[i % 3], i)) for i in range(9)]
        rows.append((10 * MS, '{"event":"lifecycle","data":{"source_id":7,"n":9}}'))
        tape = self.tape("t.tape", rows)
        self.assertEqual(self.numbers("--source", "7", tape), [1, 4, 7, 9])
        self.assertEqual(self.numbers("--source", "a,b", tape), [0, 2, 3, 5, 6, 8])
        self.assertEqual(self.numbers("--source", "a", "--source=b", tape), [0, 2, 3, 5, 6, 8])
        self.assertEqual(self.numbers("--event", "lifecycle", tape), [9])
        self.assertEqual(self.numbers("--event", "state,lifecycle", "--source", "7", tape), [1, 4, 7, 9])
        self.assertEqual(self.numbers("--source", "nobody", tape), [])

    def test_merge(self):
        a = self.tape("a.tape", [(i * 10, state(1, i)) for i in range(0, 100, 2)])
        b = self.tape("b.tape", [(i * 10, state(2, i)) for i in range(1, 100, 2)])
        self.assertEqual(self.numbers(a, b), list(range(100)))
        out, _ = self.replay("--speed", "max", "-o", "envelope", b, a)
        self.assertEqual([json.loads(line)["tape"] for line in out], [1, 0] * 50)

    def test_loop(self):
        tape = self.states(n=3)
        self.assertEqual(self.numbers("--loop=3", tape), [0, 1, 2] * 3)
        out, report = self.replay("--speed", "100", "--loop=2", tape)
        self.assertEqual((len(out), report["passes"]), (6, 2))
        p = subprocess.run("%s -q --loop --speed max %s | head -n 1000" % (
            program("evtape-replay"), tape), shell=True, stdout=subprocess.PIPE, check=False)
        self.assertEqual(len(lines(p.stdout)), 1000)

    def test_empty(self):
        tape = self.tape("t.tape", [])
        self.assertEqual(self.replay(tape)[0], [])
        self.assertEqual(self.replay("--loop", tape)[0], [])
        self.fails(2, "tape", "--from", "+1m", tape)


class Pacing(ReplayCase):
    def check_speed(self, speed, step, n=20):
        tape = self.states("t%s.tape" % speed, n=n, step=step)
        out, r = self.replay("--speed", str(speed), tape)
        self.assertEqual(len(out), n)
        self.assertEqual(r["tape_ns"], (n - 1) * step)
        # No frame is sent early. So neither the first nor the last can be late by more
        # than the largest lateness.
        want = (n - 1) * step / speed
        self.assertGreaterEqual(r["wall_ns"], want - r["lateness_ns"]["max"] - MS)
        self.assertLessEqual(r["wall_ns"], want + r["lateness_ns"]["max"])
        self.assertEqual(r["lateness_ns"]["count"], n)
        self.assertEqual(r["speed_asked"], speed)

    def test_speeds(self):
        self.check_speed(0.5, 10 * MS)
        self.check_speed(1, 20 * MS)
        self.check_speed(2, 20 * MS)
        self.check_speed(10, 200 * MS)
        self.check_speed(1000, 10 * S)

    def test_precise(self):
        tape = self.states(n=100, step=MS)
        _, r = self.replay("--precise", tape)
        self.assertEqual(r["lateness_ns"]["count"], 100)

    def test_max_gap(self):
        tape = self.tape("t.tape", [(0, state(1, 0)), (3600 * S, state(1, 1)),
                                    (3600 * S + MS, state(1, 2)), (9999 * S, state(1, 3))])
        out, r = self.replay("--max-gap", "20ms", tape)
        self.assertEqual(len(out), 4)
        self.assertEqual(r["tape_ns"], 41 * MS)

    def test_clock_step_and_runs(self):
        """Steady time within a run, receive time from one run to the next."""
        started = '%d mark 1 0 {"mark":"started"}\n'
        row = "%d/%d received 1 1 " + state(1, 1) + "\n"
        tape = self.tape("t.tape", [
            started % T0, row % (T0, T0), row % (T0 - 3600 * S, T0 + 10 * MS),
            row % (T0 + 20 * MS, T0 + 20 * MS),
            started % (T0 + 30 * MS), row % (T0 + 40 * MS, T0 - 50 * S),
            row % (T0 + 3600 * S, T0 - 50 * S + 10 * MS)])
        out, r = self.replay(tape)
        self.assertEqual((len(out), r["tape_ns"]), (5, 50 * MS))

    def test_rebase(self):
        """The window starts now; the times between frames stay."""
        tape = self.tape("t.tape", [(i * 10 * MS, '{"event":"state","user_time":"2026-03-01 06:51:%d"}' % (40 + i))
                                    for i in range(10)])
        before = time.time_ns()
        out, _ = self.replay("--rebase", "-o", "envelope", "--from", "+20ms", "--speed", "max", tape)
        got = [json.loads(line) for line in out]
        self.assertEqual([f["time_ns"] - got[0]["time_ns"] for f in got], [i * 10 * MS for i in range(8)])
        self.assertLess(abs(got[0]["time_ns"] - before), (evtest.DEADLINE + 2) * S)
        stamps = [datetime.datetime.fromisoformat(f["payload"]["user_time"]) for f in got]
        self.assertEqual([(t - stamps[0]).total_seconds() for t in stamps], list(range(8)))
        moved = (got[0]["time_ns"] - T0 - 20 * MS) // S
        self.assertEqual(stamps[0], datetime.datetime(2026, 3, 1, 6, 51, 42) + datetime.timedelta(seconds=moved))

    def test_flushed_per_frame(self):
        """A frame is there before the next is due."""
        tape = self.tape("t.tape", [(0, state(1, 0)), (3600 * S, state(1, 1))])
        p = self.start("evtape-replay", "-q", tape)
        p.wait_for(rb'"n":0}}\n', "out")
        self.assertIsNone(p.popen.poll())
        self.assertEqual(p.finish(signal.SIGTERM), 0)
        self.assertEqual(len(lines(p.out)), 1)

    def test_signals(self):
        tape = self.tape("t.tape", [(0, state(1, 0)), (3600 * S, state(1, 1))])
        for sig in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            p = self.start("evtape-replay", "--json", tape)
            p.wait_for(rb"\n", "out")
            p.finish(sig)
            self.assertEqual(json.loads(p.err)["frames"], 1)

    def test_live_tape(self):
        """A tape that is being recorded is followed until the recorder ends."""
        tape = self.path("live.tape")
        rec = self.start("evtape-record", "-", "-o", tape, stdin=subprocess.PIPE)
        rec.popen.stdin.write(b'{"n":1}\n')
        rec.popen.stdin.flush()
        self.wait_until("the first frame", lambda: os.path.isdir(tape) and b'{"n":1}' in run(
            "evtape-replay", "-q", "--no-follow", "--speed", "max", tape, check=None).stdout)
        p = self.start("evtape-replay", "-q", tape)
        p.wait_for(rb'{"n":1}\n', "out")
        rec.popen.stdin.write(b'{"n":2}\n')
        rec.popen.stdin.flush()
        p.wait_for(rb'{"n":2}\n', "out")
        rec.popen.stdin.close()
        rec.finish()
        p.finish()
        self.assertEqual(p.out, b'{"n":1}\n{"n":2}\n')


class RealCapture(ReplayCase):
    """93,953 frames of an exchange over 344.8 s, with their own times."""

    @classmethod
    def setUpClass(cls):
        cls.frames = []
        with gzip.open(evtest.data("binance-ws", "binance_usdm_btcusdt_20240808.gz")) as f:
            for line in f:
                ns, frame = line.rstrip(b"\n").split(b" ", 1)
                if not frame.startswith(b'{"lastUpdateId"'):
                    cls.frames.append((int(ns), frame))
        cls.top = tempfile.TemporaryDirectory(prefix="evtape-test-")
        cls.addClassCleanup(cls.top.cleanup)
        cls.real = os.path.join(cls.top.name, "real.tape")
        subprocess.run([os.path.join(evtest.BUILD, "tests", "mktape"), cls.real], check=True,
                       input=b"".join(b"%d received 1 1 %s\n" % f for f in cls.frames))

    def test_every_byte(self):
        self.assertEqual(len(self.frames), 93953)
        done = run("evtape-replay", "-q", "--speed", "max", self.real)
        self.assertTrue(done.stdout == b"".join(f + b"\n" for _, f in self.frames))
        out = run("evtape-replay", "-q", "--speed", "max", "-o", "binary", self.real).stdout
        for ns, frame in self.frames:
            size, = struct.unpack_from("<I", out)
            self.assertEqual(struct.unpack_from("<q", out, 4)[0], ns)
            self.assertEqual(out[36:4 + size], frame)
            out = memoryview(out)[4 + size:]

    def check_window(self, seconds, speed):
        """A frame is never early, and the replay takes as long as the recording did."""
        start = self.frames[0][0]
        window = [ns for ns, _ in self.frames if ns < start + seconds * S]
        out, r = self.replay("--to", "+%ds" % seconds, "--speed", str(speed), self.real)
        self.assertEqual(len(out), len(window))
        self.assertEqual(r["tape_ns"], window[-1] - window[0])
        want = r["tape_ns"] / speed
        self.assertLessEqual(abs(r["wall_ns"] - want), r["lateness_ns"]["max"] + MS)
        self.assertEqual(r["lateness_ns"]["count"], len(window))

    def test_times(self):
        self.check_window(2, 1)
        self.check_window(20, 10)
        self.check_window(345, 500)


class Ends(ReplayCase):
    def test_head(self):
        """A reader that closes the pipe is not an error, paced or not."""
        tape = self.states(n=20000, step=MS)
        for speed in ("max", "1"):
            p = subprocess.run(
                "{ %s --speed %s %s; echo $? >&2; } | head -n 2" % (
                    program("evtape-replay"), speed, tape),
                shell=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
            self.assertEqual(len(lines(p.stdout)), 2)
            self.assertEqual(p.stderr, b"0\n")

    def test_full_device(self):
        tape = self.states()
        with open("/dev/full", "wb") as full:
            p = subprocess.run([program("evtape-replay"), "--speed", "max", tape], stdout=full,
                               stderr=subprocess.PIPE, check=False)
        self.assertEqual(p.returncode, 1)
        self.assertIn(b"cannot write to stdout: No space left on device", p.stderr)

    def test_first_write(self):
        """At max speed the reader gets the first frame at once; then writes become
        larger."""
        tape = self.states(n=500)
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with ours, theirs:
            p = subprocess.Popen([program("evtape-replay"), "--speed", "max", "-q", tape], stdout=theirs)
            theirs.close()
            ours.settimeout(evtest.DEADLINE)
            writes = [w for w in iter(lambda: ours.recv(1 << 20), b"")]
            self.assertEqual(p.wait(evtest.DEADLINE), 0)
        self.assertEqual(writes[0].decode(), state(10001, 0) + "\n")
        self.assertEqual(b"".join(writes), run("evtape-replay", "--speed", "max", "-q", tape).stdout)
        self.assertLess(len(writes), 12)

    def test_nonblocking_stdout(self):
        """A pipe that somebody made non-blocking loses nothing."""
        tape = self.states(n=20000)
        r, w = os.pipe()
        os.set_blocking(w, False)
        p = subprocess.Popen([program("evtape-replay"), "-q", "--speed", "max", tape], stdout=w)
        os.close(w)
        with os.fdopen(r, "rb") as f:
            out = f.read()
        self.assertEqual(p.wait(), 0)
        self.assertEqual([json.loads(x)["data"]["n"] for x in lines(out)], list(range(20000)))

    def test_damaged_block(self):
        """Damage is reported, the rest is played, and the exit code says so."""
        tape = self.states(n=3000, block=16384)
        seg = os.path.join(tape, "000001.ndjson.zst")
        with open(seg, "r+b") as f:
            f.seek(os.path.getsize(seg) // 2)
            byte = f.read(1)
            f.seek(-1, 1)
            f.write(bytes([byte[0] ^ 0xff]))
        done = run("evtape-replay", "--json", "--speed", "max", tape, check=3)
        err = lines(done.stderr)
        self.assertIn(b"warning: ", err[0])
        report = json.loads(err[-1])
        self.assertGreaterEqual(report["blocks_damaged"], 1)
        got = [json.loads(x)["data"]["n"] for x in lines(done.stdout)]
        self.assertEqual(got, sorted(got))
        self.assertTrue(2500 < len(got) < 3000, len(got))

    def test_report(self):
        tape = self.states()
        err = run("evtape-replay", "--speed", "2", tape).stderr.decode()
        self.assertRegex(err, r"10 frames, .* speed 2, actual [\d.]+; late p50 \S+, "
                              r"p99 \S+, max \S+\n$")
        self.assertEqual(run("evtape-replay", "-q", "--speed", "2", tape).stderr, b"")


class Errors(ReplayCase):
    def test_usage(self):
        tape = self.states()
        plain = (
            ("needs a value", "--from"),
            ("too few arguments",),
            ("unknown option", "--frm", "x", tape),
            ("bad speed '0'", "--speed", "0", tape),
            ("bad speed '1001'", "--speed", "1001", tape),
            ("bad speed 'fast'", "--speed", "fast", tape),
            ("bad speed '1.1234567'", "--speed", "1.1234567", tape),
            ("bad time 'noon'", "--from", "noon", tape),
            ("mark:NAME", "--to", "tomorrow", tape),
            ("must be before to", "--from", "+1s", "--to", "+1s", tape),
            ("bad loop '0'", "--loop=0", tape),
            ("duration", "--max-gap", "x", tape),
            ("is empty", "--source", ",", tape),
            ("longer than 255", "--event", "x" * 256, tape),
            ("known are lines, envelope, stamped, binary", "--output", "xml", tape),
            ("--shared needs --listen", "--shared", tape),
            ("--ready-file needs --listen", "--ready-file", "x", tape),
            ("stdin must be a terminal", "--start-paused", tape),
            ("--listen and --output exclude each other", "--listen", "0", "--output", "lines", tape),
            ("--quiet and --json exclude each other", "-q", "--json", tape),
            ("--heartbeat needs --listen", "--heartbeat", "5s", tape),
            ("--tls-cert needs --tls-key", "--listen", "0", "--tls-cert", "x", tape),
            ("--wait-clients needs --shared", "--listen", "0", "--wait-clients", "2", tape),
            ("exceeds --max-clients", "--listen", "0", "--shared", "--wait-clients", "2",
             "--max-clients", "1", tape),
            ("bad address 'nowhere'", "--listen", "nowhere", tape),
            ("add --token-file", "--listen", "0.0.0.0:0", tape),
            ("bad origin 'maps'", "--listen", "0", "--allow-origin", "maps", tape),
        )
        for words, *args in plain:
            with self.subTest(args=args):
                self.fails(2, words, *args)

    def test_failures(self):
        tape = self.states()
        self.fails(1, "nothing.tape", self.path("nothing.tape"))
        short = self.write("token", "short\n")
        self.fails(1, "must be 16 to 1024 bytes long, not 5", "--listen", "0", "--token-file",
                   short, tape)
        self.fails(1, "cannot open token file", "--listen", "0", "--token-file",
                   self.path("none"), tape)
        self.fails(1, "cannot listen on", "--listen", "no.such.host.invalid:0", "--token-file",
                   self.write("good", "0123456789abcdef\n"), tape)
        done = run("evtape-replay", "--listen", "0", "--ready-file", self.path("no/where"), tape,
                   check=1)
        self.assertIn(b"there is no folder", done.stderr)

    def test_help_and_man(self):
        out = run("evtape-replay", "--help").stdout.decode()
        self.assertIn("--max-gap", out)
        self.assertIn(".Nm evtape-replay", run("evtape-replay", "--man").stdout.decode())
        self.assertIn("evtape-replay", run("evtape-replay", "--version").stdout.decode())


class Keyboard(ReplayCase):
    """Through a pseudo-terminal, as a person would."""

    def setUp(self):
        super().setUp()
        self.master, self.slave = pty.openpty()
        self.addCleanup(os.close, self.master)
        self.before = termios.tcgetattr(self.slave)
        self.screen = b""

    def tearDown(self):
        os.close(self.slave)

    def run_on_terminal(self, argv, **kw):
        """Start a program with the terminal as stdin, and as its own terminal."""
        def own_terminal():
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        self.p = subprocess.Popen(argv, stdin=self.slave, preexec_fn=own_terminal, **kw)
        self.addCleanup(lambda: self.p.poll() is None and (self.p.kill(), self.p.wait()))

    def play(self, *args):
        """The replayer with stderr on the terminal and a pipe as stdout."""
        self.run_on_terminal([program("evtape-replay"), *args], stdout=subprocess.PIPE,
                             stderr=self.slave)
        self.addCleanup(self.p.stdout.close)
        self.shows(b"keys: space pause")

    def shows(self, words):
        """Wait until the terminal has shown the words."""
        def look():
            if select.select([self.master], [], [], 0.05)[0]:
                self.screen += os.read(self.master, 65536)
            return words in self.screen
        self.wait_until("%r on the terminal" % words, look)
        self.screen = self.screen[self.screen.index(words) + len(words):]

    def press(self, keys):
        os.write(self.master, keys)

    def next_n(self):
        return json.loads(self.p.stdout.readline())["data"]["n"]

    def quit(self, code=0):
        self.press(b"q")
        self.assertEqual(self.p.wait(evtest.DEADLINE), code)
        self.assertEqual(termios.tcgetattr(self.slave), self.before)

    def test_step_seek_speed(self):
        tape = self.tape("t.tape", [(i * 5 * S, state(1, i)) for i in range(100)])
        self.play("--start-paused", tape)
        self.shows(b"(paused)")
        self.assertFalse(termios.tcgetattr(self.slave)[3] & (termios.ICANON | termios.ECHO))
        for n in range(3):
            self.press(b".")
            self.assertEqual(self.next_n(), n)
        self.press(b"\x1b[C")       # at 10 s, on to 20 s
        self.shows(b"12:52:03.0Z")
        self.press(b".")
        self.assertEqual(self.next_n(), 4)
        self.press(b"\x1b[D.")      # back to 10 s
        self.assertEqual(self.next_n(), 2)
        self.press(b"+")
        self.shows(b"speed 2 (paused)")
        self.press(b"--")
        self.shows(b"speed 0.5 (paused)")
        self.press(b"+" * 12)
        self.shows(b"speed max (paused)")
        self.press(b" ")            # flat out: the rest at once
        self.assertEqual([self.next_n() for _ in range(97)], list(range(3, 100)))
        self.assertEqual(self.p.wait(evtest.DEADLINE), 0)
        self.assertEqual(termios.tcgetattr(self.slave), self.before)

    def test_pause_and_status(self):
        tape = self.tape("t.tape", [(0, state(1, 0)), (3600 * S, state(1, 1))])
        self.play(tape)
        self.assertEqual(self.next_n(), 0)
        self.shows(b"next in 59m")
        self.press(b" ")
        self.shows(b"(paused)")
        self.press(b" ")
        self.shows(b"next in 59m")
        self.quit()

    def test_suspend(self):
        """Ctrl-Z under a shell: the terminal is given back, and taken again."""
        if "EVTAPE_VALGRIND" in os.environ:
            self.skipTest("valgrind does not stop a program that raises SIGTSTP")
        tape = self.tape("t.tape", [(i * 3600 * S, state(1, i)) for i in range(9)])
        out = self.path("out")
        self.run_on_terminal(["dash", "-i"], stdout=self.slave, stderr=self.slave)
        self.press(b"%s %s > %s\n" % (program("evtape-replay").encode(), tape.encode(), out.encode()))
        self.shows(b"keys: space pause")
        self.shows(b"next in 59m")
        self.press(b"\x1a")
        self.shows(b"Stopped")
        self.assertEqual(termios.tcgetattr(self.slave), self.before)
        self.press(b"fg\n")
        self.wait_until("keys again", lambda: not termios.tcgetattr(self.slave)[3] & termios.ICANON)
        self.shows(b"next in 59m")
        self.press(b"q")
        self.shows(b"1 frame, ")
        self.wait_until("lines again", lambda: termios.tcgetattr(self.slave) == self.before)
        self.press(b"exit\n")
        self.assertEqual(self.p.wait(evtest.DEADLINE), 0)

    def test_end_of_input(self):
        tape = self.tape("t.tape", [(0, state(1, 0)), (3600 * S, state(1, 1))])
        self.play(tape)
        self.press(b"\x04")
        self.assertEqual(self.p.wait(evtest.DEADLINE), 0)

    def test_restored_after_signals(self):
        tape = self.tape("t.tape", [(0, state(1, 0)), (3600 * S, state(1, 1))])
        for sig in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            self.play(tape)
            self.shows(b"next in")
            self.p.send_signal(sig)
            self.assertEqual(self.p.wait(evtest.DEADLINE), 0)
            self.assertEqual(termios.tcgetattr(self.slave), self.before)

    def test_no_keys(self):
        tape = self.states()
        p = subprocess.run([program("evtape-replay"), "--no-keys", "-q", tape], stdin=self.slave,
                           stdout=subprocess.PIPE, check=False)
        self.assertEqual((p.returncode, len(lines(p.stdout))), (0, 10))

    def test_continued(self):
        """Time while it was stopped does not count: nothing comes in a burst."""
        tape = self.tape("t.tape", [(i * 3600 * S, state(1, i)) for i in range(9)])
        self.play(tape)
        self.assertEqual(self.next_n(), 0)
        self.shows(b"next in")
        self.p.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self.p.pid, os.WSTOPPED | os.WNOWAIT)
        termios.tcsetattr(self.slave, termios.TCSANOW, self.before)  # as a shell would
        self.p.send_signal(signal.SIGCONT)
        self.wait_until("keys again", lambda: not termios.tcgetattr(self.slave)[3] & termios.ICANON)
        self.quit()


if __name__ == "__main__":
    unittest.main()
