"""The tool evtape: info, cat, mark, reindex, and starting the others."""

import json
import os
import re
import signal
import sqlite3
import subprocess

import evtest

T0 = 1700000000000000000  # 2023-11-14T22:13:20Z


class Tool(evtest.Case):
    def make(self, name, lines, *options):
        """A tape of lines in mktape's form."""
        tape = self.path(name)
        subprocess.run([evtest.program("tests/mktape"), tape, *options],
                       input="\n".join(lines).encode() + b"\n", check=True)
        return tape

    def small(self, name="a.tape", n=100):
        lines = ['%d mark 1 0 {"mark":"started","program":"x","url":null,"profile":null,"events":[]}' % T0]
        for i in range(n):
            lines.append('%d received 1 1 {"event":"%s","data":{"source_id":%s}}' % (
                T0 + i * 10**9, "state" if i % 10 else "lifecycle", 10001 + i % 4 if i % 2 else '"t-%d"' % (i % 4)))
        lines.append('%d mark 5 1 {"mark":"gap","frames":3,"bytes":null,"reason":"r","seconds":1,"from":null,"to":null}' %
                     (T0 + n * 10**9))
        return self.make(name, lines)

    def fails(self, code, pattern, *args):
        done = evtest.run("evtape", *args, check=code)
        self.assertEqual(done.stdout, b"")
        words = done.stderr.decode()
        self.assertRegex(words, pattern)
        self.assertEqual(words.count("\n"), 1, words)

    def test_info_for_people(self):
        out = evtest.run("evtape", "info", "--top", 2, self.small()).stdout.decode()
        self.assertRegex(out, r"from +2023-11-14T22:13:20\.000Z")
        self.assertRegex(out, r"frames +102: 100 received, 0 sent, 2 marks; numbers 1 to 102")
        self.assertRegex(out, r"events \(2\)\n +state +90 frames")
        self.assertRegex(out, r"sources \(4\)\n(.*\n){2} +and 2 more")
        self.assertRegex(out, r"gaps \(1\)\n.*Z  3 frames lost in 1s: r\n")
        self.assertRegex(out, r"index +ok")

    def test_info_as_json(self):
        tape = self.small()
        info = evtest.info(tape)
        self.assertEqual(info["frames"], 102)
        self.assertEqual(info["first_ns"], T0)
        self.assertEqual({s["source_id"] for s in info["sources"]}, {10002, 10004, "t-0", "t-2"})
        self.assertEqual([m["mark"] for m in info["marks"]], ["started", "gap"])
        self.assertEqual(info["marks"][1]["payload"]["frames"], 3)
        self.assertTrue(info["segments"][0]["sealed"])
        self.assertRegex(info["id"], r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
        size = sum(os.path.getsize(os.path.join(at, n)) for at, _, names in os.walk(tape) for n in names
                   if n not in ("lock", "tape.db-shm"))
        self.assertEqual(info["stored_bytes"], size)

    def test_cat_filters(self):
        tape = self.small()

        def count(*args):
            return len(evtest.frames(tape, *args))
        self.assertEqual(count(), 102)
        self.assertEqual(count("--kind", "received"), 100)
        self.assertEqual(count("--kind", "mark,sent"), 2)
        self.assertEqual(count("--source", "10002"), 25)
        self.assertEqual(count("--source", "10002,t-0"), 50)
        self.assertEqual(count("--source", "t-0", "--event", "lifecycle"), 5)
        self.assertEqual(count("--from", "+10s", "--to", "+20s"), 10)
        self.assertEqual(count("--from", "22:14", "--to", "22:14:30"), 30)
        self.assertEqual(count("--from", "-10s"), 11)
        self.assertEqual(count("--from", "2023-11-14T22:14:20Z", "--kind", "received"), 40)
        self.assertEqual(count("--source", "none"), 0)

    def test_cat_merges(self):
        a = self.make("a.tape", ["%d received 1 1 {\"a\":%d}" % (T0 + i * 20, i) for i in range(50)])
        b = self.make("b.tape", ["%d received 1 1 {\"b\":%d}" % (T0 + 5 + i * 20, i) for i in range(50)])
        got = [json.loads(line) for line in evtest.lines(evtest.run("evtape", "cat", b, a).stdout)]
        self.assertEqual([f["time_ns"] for f in got], sorted(f["time_ns"] for f in got))
        self.assertEqual([f["tape"] for f in got], [1, 0] * 50)

    def test_cat_into_a_closed_pipe(self):
        tape = self.small(n=20000)
        done = subprocess.run("%s cat %s | head -1" % (evtest.program("evtape"), tape), shell=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=True)
        self.assertEqual(done.stdout.count(b"\n"), 1)
        self.assertEqual(done.stderr, b"")

    def test_mark_and_find_it(self):
        tape = self.small()
        evtest.run("evtape", "mark", tape, "gate \"A\" opened", "--at", "+30s")
        self.assertEqual(evtest.frames(tape, "--kind", "received", "--from", 'mark:gate "A" opened', "--to", "+31s")
                         [0]["time_ns"], T0 + 30 * 10**9)
        note = evtest.info(tape)["marks"][-1]
        self.assertEqual(note["payload"], {"mark": "note", "text": 'gate "A" opened'})
        self.assertEqual(note["time_ns"], T0 + 30 * 10**9)

    def test_mark_while_recording(self):
        tape = self.path("live.tape")
        p = self.start("evtape-record", "-", "-o", tape, "--json", stdin=subprocess.PIPE)
        p.popen.stdin.write(b'{"a":1}\n')
        p.popen.stdin.flush()
        p.wait_for(rb'"frames":1\b', "out")
        done = evtest.run("evtape", "mark", tape, "now")
        self.assertIn(b"queued for the recorder", done.stderr)
        self.assertTrue(evtest.info(tape)["live"])
        self.wait_until("the recorder to take the note", lambda: any(
            m["mark"] == "note" for m in evtest.info(tape)["marks"]))
        p.popen.stdin.close()
        p.finish()
        self.assertFalse(evtest.info(tape)["live"])

    def dump(self, tape):
        db = sqlite3.connect(os.path.join(tape, "tape.db"))
        text = {sql: sorted(db.execute(sql).fetchall(), key=repr) for sql in (
            "SELECT * FROM segment", "SELECT * FROM block", "SELECT * FROM mark", "SELECT * FROM connection_span",
            "SELECT s.segment, x.source_id, e.name, s.first_ns, s.last_ns, s.frames, s.blocks FROM source_span s "
            "LEFT JOIN source x ON x.id = s.source LEFT JOIN event e ON e.id = s.event",
            "SELECT * FROM sources", "SELECT * FROM events", "SELECT * FROM connections")}
        db.close()
        return text

    def test_reindex_equals_the_recorded_index(self):
        tape = self.path("i.tape")
        frames = evtest.run("evtape-sim", "--generate", 5000, "--sources", 40).stdout
        for _ in range(2):
            evtest.run("evtape-record", "-", "-o", tape, "--quiet", "--segment-size", "20k", stdin=frames)
        live = self.dump(tape)
        self.assertGreater(len(live["SELECT * FROM segment"]), 2)
        evtest.run("evtape", "reindex", tape)
        self.assertEqual(self.dump(tape), live)
        os.unlink(os.path.join(tape, "tape.db"))
        self.assertEqual(evtest.info(tape)["index"], "missing")
        want = evtest.info(tape)["sources"]
        evtest.run("evtape", "reindex", tape)
        self.assertEqual(self.dump(tape), live)
        with open(os.path.join(tape, "tape.db"), "r+b") as f:
            f.write(b"this is no database at all")
        damaged = evtest.info(tape)
        self.assertEqual(damaged["index"], "damaged")
        self.assertEqual(damaged["sources"], want)
        evtest.run("evtape", "reindex", tape)
        self.assertEqual(self.dump(tape), live)

    def test_reindex_is_refused_while_recording(self):
        tape = self.path("live.tape")
        p = self.start("evtape-record", "-", "-o", tape, "--json", stdin=subprocess.PIPE)
        p.wait_for(rb'"frames":', "out")
        self.fails(1, r"is being recorded to by process %d; stop that first" % p.pid, "reindex", tape)
        p.popen.stdin.close()
        p.finish()

    def test_starts_the_other_programs(self):
        for name in ("record", "replay", "sim"):
            done = evtest.run("evtape", name, "--version")
            self.assertRegex(done.stdout.decode(), r"^evtape-%s \d+\.\d+\.\d+\n$" % name)

    def test_help_everywhere(self):
        for args in (["evtape"], ["evtape", "info"], ["evtape", "cat"], ["evtape", "mark"], ["evtape", "reindex"],
                     ["evtape-record"], ["evtape-replay"], ["evtape-sim"]):
            for option in ("-h", "--help"):
                out = evtest.run(*args, option).stdout.decode()
                self.assertTrue(out.startswith("usage: %s " % " ".join(args)), out[:80])
                self.assertIn("Examples:", out)
            self.assertRegex(evtest.run(*args, "--version").stdout.decode(), r"^%s \d" % " ".join(args))

    def test_man_pages(self):
        for name in ("evtape", "evtape-record", "evtape-replay", "evtape-sim"):
            page = evtest.run(name, "--man").stdout
            done = subprocess.run(["mandoc", "-T", "utf8", "-W", "error"], input=page, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, check=False)
            self.assertEqual(done.returncode, 0, done.stdout[:2000])

    def test_errors(self):
        tape = self.small()
        other = self.path("other")
        os.mkdir(other)
        self.write("other/file", "x")
        missing = self.path("missing")
        self.fails(1, "there is no tape at " + re.escape(missing), "info", missing)
        self.fails(1, "is not a tape: it has no segment", "info", other)
        self.fails(1, "is not a tape: a tape is a folder", "cat", self.path("other/file"))
        self.fails(1, "there is no tape", "mark", missing, "x")
        self.fails(1, "there is no tape", "reindex", missing)
        self.fails(2, "unknown option --bogus", "info", "--bogus", tape)
        self.fails(2, "no command 'bogus'", "bogus")
        self.fails(2, "too few arguments", "info")
        self.fails(2, "unexpected argument", "info", tape, tape)
        self.fails(2, "unknown kind of frame", "cat", "--kind", "bogus", tape)
        self.fails(2, "no bookmark 'bogus'", "cat", "--from", "mark:bogus", tape)
        self.fails(2, "tomorrow", "cat", "--from", "tomorrow", tape)
        self.fails(2, "25:99", "mark", "--at", "25:99", tape, "x")
        self.fails(1, "longer than 4096", "mark", tape, "x" * 5000)

    def test_a_newer_tape_is_refused(self):
        tape = self.small()
        segment = os.path.join(tape, "000001.ndjson.zst")
        os.unlink(os.path.join(tape, "tape.db"))
        with open(segment, "rb") as f:
            raw = f.read()
        for at, value, words in ((8 + 8, 2, "format version 2"), (8 + 12, 1, "incompatible flags 0x1"),
                                 (8 + 20, 1, "encoding 1")):
            with open(segment, "wb") as f:
                changed = bytearray(raw[:len(raw) - 4])  # no directory: the header is read
                changed[at] = value
                changed[136:144] = evtest_sum(bytes(changed[8:136]))
                f.write(changed)
            self.fails(1, words + ".*use a newer evtape", "info", tape)

    def test_ctrl_c_of_a_long_cat(self):
        tape = self.small(n=20000)
        p = self.start("evtape", "cat", *[tape] * 8)
        p.wait_for(rb"\n", "out")
        p.finish(signal.SIGINT, check=None)


def evtest_sum(data):
    """XXH64 of a header, by the second reader's own function."""
    import sys
    sys.path.insert(0, os.path.join(evtest.TOP, "tests"))
    from readerlib import xxh64
    return xxh64(data).to_bytes(8, "little")


if __name__ == "__main__":
    evtest.unittest.main()
