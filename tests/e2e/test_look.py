"""evtape ls, and the forms of evtape cat."""

import contextlib
import json
import os
import sqlite3
import subprocess

import evtest
import tooltest
from tooltest import S, T0


class Windows(tooltest.Case):
    def test_for_and_bookmarks(self):
        tape = self.states()
        evtest.run("evtape", "mark", tape, "gate - open", "--at", "+50s")

        def numbers(*args):
            return [f["payload"]["data"]["n"] for f in evtest.frames(tape, "--kind", "received", *args)]
        self.assertEqual(numbers("--from", "+10s", "--for", "5s"), list(range(10, 15)))
        self.assertEqual(numbers("--from", "mark:gate - open-3s", "--for", "2s"), [47, 48])
        self.assertEqual(numbers("--from", "mark:gate - open+3s", "--to", "mark:gate - open+5s"), [53, 54])
        self.assertEqual(numbers("--from", "23:13:30+01:00", "--for", "1s"), [10])
        self.fails(2, "--for needs --from", "cat", "--for", "1s", tape)
        self.fails(2, "exclude each other", "cat", "--from", "+1s", "--to", "+2s", "--for", "1s", tape)
        self.assertEqual(len(evtest.lines(evtest.run("evtape-replay", tape, "--speed", "max", "-q", "--from", "+10s", "--for",
                                                     "5s").stdout)), 5)


class Trackers(tooltest.Case):
    """Events that name trackers belong to their trackers' sources."""

    def test_readings_and_iot_values(self):
        trackers = ('{"mark":"trackers","from":"l","trackers":3,"list":[{"id":1,"label":"Van","source":{"id":10001}},'
                    '{"id":2,"label":"Bus","source":{"id":10002}},{"id":3,"label":"none"}]}')
        readings = '{"type":"event","event":"readings_batch","data":[%s]}'
        iot = '{"type":"event","event":"iot_monitor","data":{"iot_last_values":[%s]}}'
        item = '{"type":"readings_event","tracker_id":%s,"inputs":[]}'
        rows = [readings % (item % 1), "MARK", readings % ",".join(item % i for i in (1, 2, 1, 3, 9, '"1"')),
                iot % (item % 2), readings % "", readings % (item % 3),
                '{"type":"event","event":"state","data":{"source_id":10001,"tracker_id":2}}']
        tape = self.make("t.tape", ["%d mark 9 1 %s" % (T0 + i * S, trackers) if row == "MARK" else
                                    "%d received 1 1 %s" % (T0 + i * S, row) for i, row in enumerate(rows)])
        self.assertEqual([f["sources"] for f in evtest.frames(tape)],
                         [[], [], [10001, 10002], [10002], [], [], [10001]])
        self.assertEqual(len(evtest.frames(tape, "--source", "10001", "--event", "readings_batch")), 1)
        self.assertEqual(len(evtest.frames(tape, "--source", "10002")), 2)
        self.assertEqual({x["source_id"]: x["frames"] for x in self.json("stats", "--json", tape)["sources"]},
                         {10001: 2, 10002: 2})
        evtest.run("evtape", "verify", tape)


class Hostile(tooltest.Case):
    def test_no_control_characters_on_a_terminal(self):
        """Whatever a tape holds: a line for each source, and nothing that a
        terminal obeys."""
        ids = ["x\u001b]0;T\u0007\u001b[2Jy", "two\r\nlines", "c1 \u009b31m", "del \u007f", "turned \u202e", "sep \u2028 x"]
        lines = ['%d received 1 1 %s' % (tooltest.T0 + i, json.dumps({"event": "st\u001b[31mate" + x, "data": {"source_id": x}}))
                 for i, x in enumerate(ids)]
        lines += ['%d mark %d 1 %s' % (tooltest.T0 + i, i, json.dumps({"mark": "\u009b", "text": x, "reason": x, "url": x},
                                                                    ensure_ascii=False))
                  for x in ids for i in (1, 4, 5, 7, 10)]
        tape = self.make("hostile.tape", lines)
        for args in (["ls"], ["info"], ["stats"], ["mark", "--list"]):
            text = self.out(*args, tape).decode()
            self.assertNotRegex(text, "[\\x00-\\x09\\x0b-\\x1f\\x7f-\\x9f\u202e\u2028]", args)
        self.assertEqual(len(self.out("ls", tape).splitlines()), len(ids))
        self.assertEqual([x["source_id"] for x in self.json_lines("ls", "--json", tape)], sorted(ids))


class Ls(tooltest.Case):
    def test_a_line_each(self):
        out = self.out("ls", self.states()).decode().splitlines()
        self.assertEqual(len(out), 4)
        self.assertRegex(out[0], r"^10001 +25 +0\.25/s  2023-11-14T22:13:20\.000Z  2023-11-14T22:14:56\.000Z  state:25$")
        self.assertRegex(out[1], r"^10002 .* state:20 lifecycle:5$")

    def test_json(self):
        got = self.json_lines("ls", "--json", self.states())
        self.assertEqual([s["source_id"] for s in got], [10001, 10002, 10003, 10004])
        self.assertEqual(got[0]["frames"], 25)
        self.assertEqual(got[0]["last_ns"], T0 + 96 * S)
        self.assertEqual(got[3]["events"], [{"event": "state", "frames": 20}, {"event": "lifecycle", "frames": 5}])
        self.assertAlmostEqual(got[0]["rate"], 0.25)

    def test_orders(self):
        ids = (10, 9, -3, '"b"', '"a"', '"10"', -20)
        lines = []
        for i, key in enumerate(ids):
            for k in range(i + 1):
                lines.append('%d received 1 1 {"event":"state","data":{"source_id":%s}}' % (T0 + i * S + k * S // 9, key))
        tape = self.make("o.tape", lines)

        def order(*options):
            return [s["source_id"] for s in self.json_lines("ls", "--json", *options, tape)]
        self.assertEqual(order(), [-20, -3, 9, 10, "10", "a", "b"])
        self.assertEqual(order("-r"), ["b", "a", "10", 10, 9, -3, -20])
        self.assertEqual(order("--sort", "frames"), [-20, "10", "a", "b", -3, 9, 10])
        self.assertEqual(order("--sort", "first"), [10, 9, -3, "b", "a", "10", -20])
        self.assertEqual(order("--sort", "last", "--reverse"), [-20, "10", "a", "b", -3, 9, 10])
        self.assertEqual(order("--sort", "rate")[-1], 10)

    def test_one_event_and_two_tapes(self):
        a, b = self.states("a.tape"), self.states("b.tape", start=T0 + 1000 * S)
        got = self.json_lines("ls", "--json", "--event", "lifecycle", a, b)
        self.assertEqual([(s["source_id"], s["frames"]) for s in got], [(10002, 10), (10004, 10)])
        self.assertEqual(got[0]["last_ns"] - got[0]["first_ns"], 1080 * S)

    def test_without_sources_and_of_damaged_tapes(self):
        self.assertEqual(self.out("ls", self.make("e.tape", ["%d received 1 1 X" % T0])), b"")
        tape = self.many_blocks()
        self.flip(self.segment(tape), 600)
        self.assertEqual(len(self.out("ls", tape).splitlines()), 4)  # the index knows
        subprocess.run(["rm", tape + "/tape.db"], check=True)
        self.warns(3, "1 damaged block is not counted; 'evtape verify' names each fault", "ls", tape)
        self.fails(1, "there is no tape at", "ls", self.path("no.tape"))

    def test_an_unreadable_index_only_costs_time(self):
        tapes = [self.states("a.tape"), self.states("b.tape", start=T0 + 1000 * S), self.states("c.tape", start=T0 + 2000 * S)]
        sound = self.out("ls", *tapes)
        for which in tapes:
            with contextlib.closing(sqlite3.connect(which + "/tape.db")) as db:
                page, = db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'connection_span'").fetchone()
                size, = db.execute("PRAGMA page_size").fetchone()
                db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            with open(which + "/tape.db", "r+b") as f:
                f.seek((page - 1) * size)
                f.write(b"\xff" * 100)
            self.assertEqual(self.out("ls", *tapes), sound)

    def test_unknown_order(self):
        tape = self.states()
        self.fails(2, "unknown order 'size': give id, frames", "ls", "--sort", "size", tape)


class Cat(tooltest.Case):
    def test_forms(self):
        tape = self.states(n=3, extra=['%d mark 7 0 {"mark":"note","text":"n"}' % (T0 + 3 * S)])
        payloads = [json.dumps(f["payload"], separators=(",", ":")).encode() for f in evtest.frames(tape)]
        self.assertEqual(self.out("cat", "--format", "lines", tape).splitlines(), payloads[:3])
        self.assertEqual(self.out("cat", "--format", "lines", "--marks", tape).splitlines(), payloads)
        self.assertEqual(self.out("cat", "-f", "stamped", "--kind", "mark", tape),
                         b"2023-11-14T22:13:23.000000000Z\t" + payloads[3] + b"\n")
        self.assertEqual(len(self.out("cat", tape).splitlines()), 4)
        self.assertEqual(len(self.out("cat", "--kind", "received", "--marks", tape).splitlines()), 4)
        self.fails(2, "'pdf'", "cat", "--format", "pdf", tape)

    def test_it_reads_the_blocks_that_it_needs(self):
        tape = self.many_blocks()
        everything = evtest.run("evtape", "cat", "-v", tape).stderr
        some = evtest.run("evtape", "cat", "-v", "--from", "+10s", "--to", "+12s", tape).stderr
        self.assertEqual(evtest.lines(some)[1:], [b"evtape cat: 1 block read"])
        self.assertGreater(int(evtest.lines(everything)[1].split()[2]), 8)

    def test_follow_ends_with_the_recording(self):
        tape = self.path("live.tape")
        recorder = self.start("evtape-record", "-", "-o", tape, "--quiet", stdin=subprocess.PIPE)
        recorder.popen.stdin.write(b'{"a":1}\n')
        recorder.popen.stdin.flush()
        self.wait_until("the first frame", lambda: evtest.run("evtape", "cat", tape, check=None).stdout.count(b'"a":1'))
        cat = self.start("evtape", "cat", "--follow", "--format", "lines", tape)
        cat.wait_for(rb'"a":1', "out")
        recorder.popen.stdin.write(b'{"a":2}\n')
        recorder.popen.stdin.flush()
        cat.wait_for(rb'"a":2', "out")
        recorder.popen.stdin.close()
        recorder.finish()
        cat.finish()
        self.assertEqual(cat.out, b'{"a":1}\n{"a":2}\n')

    def test_follow_is_stopped_by_a_signal(self):
        tape = self.path("live.tape")
        recorder = self.start("evtape-record", "-", "-o", tape, "--quiet", stdin=subprocess.PIPE)
        recorder.popen.stdin.write(b'{"a":1}\n')
        recorder.popen.stdin.flush()
        self.wait_until("the first frame", lambda: evtest.run("evtape", "cat", tape, check=None).stdout.count(b'"a":1'))
        cat = self.start("evtape", "cat", "--follow", tape)
        cat.wait_for(rb'"a":1', "out")
        cat.signal(15)
        self.assertEqual(cat.popen.wait(evtest.DEADLINE), -15)
        recorder.popen.stdin.close()
        recorder.finish()


class Export(tooltest.Case):
    def test_lines_into_a_file(self):
        tape = self.states(n=3)
        out = self.path("out.ndjson")
        self.assertEqual(self.out("export", "lines", tape, "-o", out), b"")
        with open(out, "rb") as f:
            self.assertEqual(f.read(), self.out("cat", "-f", "lines", tape))
        self.fails(1, "exists; name another file", "export", "lines", tape, "-o", out)
        self.out("export", "lines", tape, "-o", out, "--force", "--source", "10002")
        with open(out, "rb") as f:
            self.assertEqual(len(f.read().splitlines()), 1)

    def test_frames_that_are_not_lines_are_counted(self):
        tape = self.make("x.tape", ["%d received 1 1 X" % T0, "%d received 2 1 hex:00ff" % T0,
                                    '%d received 1 1 hex:7b0a7d' % T0])
        self.assertEqual(self.warns(3, "2 frames hold a line feed or are not text and were left out", "export", "lines", tape), b"X\n")

    def test_quiet(self):
        """-q leaves data, warnings and errors."""
        tape = self.states()
        for args in (("cut", "-o", "@"), ("merge", tape, "-o", "@"), ("split", "--every", "1h", "-o", "@"), ("scrub", "-o", "@"),
                     ("recover", "-o", "@"), ("export", "gpx", "-o", "@"), ("export", "sqlite", "-o", "@"), ("export", "mcap", "-o", "@"),
                     ("verify",), ("reindex",), ("compact",), ("gc", "--keep-size", "1G")):
            args = [self.path("new%d" % len(os.listdir(self.dir))) if a == "@" else a for a in args]
            done = evtest.run("evtape", *args, "-q", tape)
            self.assertEqual((done.stdout, done.stderr), (b"", b""), args)
        done = evtest.run("evtape", "cut", "-q", "--from", "2030-01-01", tape, "-o", self.path("later.tape"))
        self.assertRegex(done.stderr, rb"^evtape cut: no frames found[^\n]*\n$")
        done = evtest.run("evtape", "export", "lines", "--quiet", tape)
        self.assertEqual((len(done.stdout.splitlines()), done.stderr), (100, b""))
        frames = self.path("in")
        with open(frames, "w", encoding="ascii") as f:
            f.write("no time\n")
        done = evtest.run("evtape", "import", "ndjson", "-q", "--stamp", frames, "-o", self.path("i.tape"), check=3)
        self.assertEqual(done.stderr.count(b"warning"), 1, done.stderr)
        self.fails(1, "there is no tape", "info", "-q", self.path("none"))
        self.fails(2, "unknown option -q", "export", "-q")

    def test_help(self):
        """help COMMAND is COMMAND --help, also of formats and of the other programs."""
        self.assertEqual(self.out("help"), self.out("--help"))
        self.assertEqual(self.out("help", "help"), self.out("--help"))
        for words in ("cut",), ("export",), ("export", "csv"), ("record",), ("replay",), ("sim",):
            self.assertEqual(self.out("help", *words), self.out(*words, "--help"), words)
        for program in "evtape-record", "evtape-replay", "evtape-sim":
            self.assertEqual(evtest.run(program, "help").stdout, evtest.run(program, "--help").stdout)
        self.fails(2, "no command 'nothing'", "help", "nothing")
        self.fails(2, "no format 'pdf'", "help", "export", "pdf")
        self.fails(2, "unexpected argument 'x'", "help", "export", "csv", "x")

    def test_formats(self):
        self.fails(2, "no format 'pdf'", "export", "pdf")
        self.fails(2, "--force needs --output", "export", "lines", "--force", self.path("none"))
        self.fails(2, "--force needs --plot", "stats", "--force", self.path("none"))
        self.fails(2, r"no format 'gjson': did you mean 'geojson'\?", "export", "gjson")
        self.fails(2, r"no command 'stat': did you mean 'stats'\?", "stat")
        self.fails(2, r"no command 'hepl': did you mean 'help'\?", "hepl")
        self.fails(2, r"no command 'recrod': did you mean 'record'\?", "recrod")
        self.fails(2, r"no command 'zzz' \(try", "zzz")
        self.fails(2, r"unknown option --form: did you mean '--from'\?", "cut", "--form", "x")
        self.fails(2, "no format given|too few arguments", "export")
        self.assertIn(b"Formats:", self.out("export", "--help"))
