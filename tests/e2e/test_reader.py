"""A reader that was written from docs/format.md alone reads the same frames as our
programs."""

import base64
import json
import os
import sqlite3
import subprocess
import sys
import unittest

import evtest

READER = os.path.join(evtest.TOP, "tests", "reader.py")
INDEX = os.path.join(evtest.TOP, "tests", "readerindex.py")


def read(tape, check=0):
    """The frames as the second reader sees them, and its words."""
    done = subprocess.run([sys.executable, READER, tape], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, check=False)
    if done.returncode != check:
        raise AssertionError("reader.py: exit %d\n%s" % (done.returncode, done.stderr.decode()))
    return [json.loads(line) for line in evtest.lines(done.stdout)], done.stderr.decode()


def payload(envelope):
    """The bytes of an envelope's payload, but for those that are embedded."""
    if "payload_base64" in envelope:
        return base64.b64decode(envelope["payload_base64"])
    return envelope["payload_text"].encode() if "payload_text" in envelope else None


class Reader(evtest.Case):
    def compare(self, tape, check=0):
        theirs, words = read(tape, check)
        raw = evtest.lines(evtest.run("evtape", "cat", tape, check=check).stdout)
        self.assertEqual(len(theirs), len(raw))
        for their, line in zip(theirs, raw):
            our = json.loads(line)
            for name in ("seq", "time_ns", "mono_ns", "connection", "kind", "sources"):
                self.assertEqual(our[name], their[name], line)
            self.assertEqual(our.get("event"), their["event"])
            want = base64.b64decode(their["payload_base64"])
            got = payload(our)
            if got is None:  # embedded: at the end of the line
                got = line[line.index(b'"payload":') + 10:-1]
            self.assertEqual(got, want)
        return theirs, words

    def record(self, name, text, *options):
        tape = self.path(name)
        evtest.run("evtape-record", "-", "-o", tape, "--quiet", *options, stdin=text)
        return tape

    def generated(self, n):
        return evtest.run("evtape-sim", "--generate", n, "--sources", 20).stdout

    def test_blocks_and_segments(self):
        tape = self.record("a.tape", self.generated(4000), "--block-size", "64k",
                           "--segment-size", "100k")
        self.assertGreater(len([n for n in os.listdir(tape) if n.endswith(".zst")]), 1)
        frames, _ = self.compare(tape)
        self.assertEqual(sum(f["kind"] == "received" for f in frames), 4000)

    def test_awkward_payloads(self):
        text = b"\n".join([
            b"", b"X", b"{}", b"[1,2", b'{"a":"\xc3\xa9\xf0\x9f\x98\x80"}', b"\xff\xfe\x00\x01", b" {} ",
            b'{"event":"state","data":{"source_id":"t\\u0041g"}}', b"\r", b'{"event":5,"data":[1,{"source_id":-7}]}',
            b'{"event":"' + b"e" * 255 + b'"}', b'{"event":"' + b"e" * 256 + b'"}',
            b"[" * 300 + b"]" * 300, b'"' + b"long " * 100000 + b'"', b"null", b""]) + b"\n"
        self.compare(self.record("b.tape", text))

    def test_a_killed_recorder(self):
        tape = self.path("c.tape")
        text = self.generated(3000)
        p = self.start("evtape-record", "-", "-o", tape, "--json", "--block-size", "64k",
                       stdin=subprocess.PIPE)
        p.popen.stdin.write(text)
        p.popen.stdin.flush()
        p.wait_for(rb'"frames":3000\b', "out")
        p.popen.kill()
        p.popen.stdin.close()
        p.finish(check=-9)
        self.assertTrue([n for n in os.listdir(os.path.join(tape, "journal")) if n.endswith(".evj")])
        before, _ = self.compare(tape)
        self.assertEqual([base64.b64decode(f["payload_base64"]) for f in before if f["kind"] == "received"],
                         evtest.lines(text))
        evtest.run("evtape", "mark", tape, "afterwards")
        after, _ = self.compare(tape)
        self.assertEqual(after[:len(before)], before)
        self.assertEqual(after[-1]["kind"], "mark")

    def check_index(self, tape):
        done = subprocess.run([sys.executable, INDEX, tape], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False)
        self.assertEqual((done.stdout.decode(), done.returncode), ("", 0))

    def test_the_index_agrees_with_the_frames(self):
        tape = self.record("d.tape", self.generated(3000), "--block-size", "64k", "--segment-size", "100k")
        evtest.run("evtape", "mark", tape, "afterwards")
        self.check_index(tape)
        os.unlink(os.path.join(tape, "tape.db"))
        evtest.run("evtape", "reindex", tape)
        self.check_index(tape)

    def test_the_index_of_numbers_and_words(self):
        text = b"".join(b'{"type":"event","event":"state","data":{"source_id":%s}}\n' % i
                        for i in (b"7", b'"7"', b"7.0", b'""', b'"\\u0000"', b"-9223372036854775808"))
        self.check_index(self.record("n.tape", text))

    def test_a_wrong_index_is_reported(self):
        """Or the tests above would assert nothing."""
        tape = self.record("w.tape", self.generated(50))
        db = sqlite3.connect(os.path.join(tape, "tape.db"))
        with db:
            db.execute("UPDATE source_span SET frames = frames + 1 WHERE source = 1")
        db.close()
        with self.assertRaises(AssertionError):
            self.check_index(tape)

    def test_the_golden_tape(self):
        frames, _ = self.compare(os.path.join(evtest.TOP, "tests", "golden", "v1.tape"))
        self.assertEqual(len(frames), 206)

    def test_a_flipped_byte_costs_its_block(self):
        tape = self.record("e.tape", self.generated(4000), "--block-size", "64k")
        whole, _ = read(tape)
        segment = os.path.join(tape, "000001.ndjson.zst")
        db = sqlite3.connect(os.path.join(tape, "tape.db"))
        offset, stored, first, n = db.execute(
            "SELECT offset, stored, first_seq, frames FROM block WHERE no = 2").fetchone()
        db.close()
        with open(segment, "r+b") as f:
            f.seek(offset + stored // 2)
            byte = f.read(1)[0]
            f.seek(offset + stored // 2)
            f.write(bytes([byte ^ 16]))
        rest, words = self.compare(tape, check=3)
        self.assertIn("000001.ndjson.zst", words)
        self.assertEqual([f["seq"] for f in rest],
                         [f["seq"] for f in whole if not first <= f["seq"] < first + n])


if __name__ == "__main__":
    unittest.main()
