"""evtape export mcap and import mcap, checked with the official library."""

import base64
import json
import os
import subprocess

import evtest
import npm
import tooltest
from tooltest import S, T0

TOOL = os.path.join(evtest.HERE, "mcap_tool.cjs")
SHAPES = ['%d/%d mark 3 1 {"mark":"connected"}' % (T0, T0), "%d received 2 1 hex:00ff" % (T0 + S),
          "%d sent 1 1 X" % (T0 + S), '%d received 1 2 {"event":"state","data":{"source_id":"a"}}' % (T0 + 2 * S),
          '%d received 1 2 {"event":"%s","data":{}}' % (T0 + 2 * S, "long" * 60), "%d received 1 2 {bad" % (T0 + 3 * S),
          '%d received 1 2 {"event":"%s!","data":{}}' % (T0 + 4 * S, "long" * 60), "%d received 1 3 hex:" % (T0 + 5 * S)]


class Mcap(tooltest.Case):
    def node(self, *args):
        env = npm.need("@mcap/core@2.2.2", "@foxglove/wasm-zstd@1.0.1")
        done = subprocess.run(["node", TOOL, *args], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        return json.loads(done.stdout) if done.stdout else None

    def exported(self, tape, *options):
        path = self.path("out.mcap")
        self.out("export", "mcap", tape, "-o", path, "--force", *options)
        return path

    def test_the_official_reader(self):
        tape = self.path("g.tape")
        with subprocess.Popen([evtest.program("evtape-sim"), "--generate", "5000"], stdout=subprocess.PIPE) as sim:
            subprocess.run([evtest.program("evtape-record"), "-", "-o", tape, "-q"], stdin=sim.stdout, check=True)
        got = self.node("read", self.exported(tape))
        want = evtest.frames(tape)
        payloads = self.out("cat", "-f", "lines", "--kind", "received,mark", tape).splitlines()
        self.assertEqual(got["indexed"], got["streamed"])
        self.assertEqual([base64.b64decode(m["data"]) for m in got["streamed"]], payloads)
        self.assertEqual([int(m["time_ns"]) for m in got["streamed"]], [f["time_ns"] for f in want])
        self.assertEqual({m["topic"] for m in got["streamed"]}, {"state", "evtape/marks"})
        self.assertEqual([m["metadata"] for m in got["streamed"]], [
            {"evtape.kind": f["kind"], "evtape.connection": str(f["connection"]),
             "evtape.opcode": str({"started": 1, "stopped": 2}[f["mark"]] if "mark" in f else 1)} for f in want])
        self.assertEqual(got["schemas"], [{"name": "evtape.frame", "encoding": "jsonschema", "data": '{"type":"object"}'}])
        self.assertGreater(got["statistics"]["chunks"], 2)
        self.assertEqual(sum(map(int, got["statistics"]["counts"])), 5002)
        self.assertEqual((got["statistics"]["messages"], got["statistics"]["first"], got["statistics"]["last"]),
                         ("5002", str(want[0]["time_ns"]), str(max(f["time_ns"] for f in want))))
        self.assertEqual(got["offsets"], 4)
        self.assertTrue(all(int(n) > 0 for n in got["chunks"]))

    def test_frames_of_all_shapes(self):
        got = self.node("read", self.exported(self.make("s.tape", SHAPES)))["streamed"]
        self.assertEqual([(m["topic"], m["encoding"], m["schema"], m["metadata"]["evtape.kind"],
                           m["metadata"]["evtape.opcode"], m["metadata"]["evtape.connection"]) for m in got], [
            ("evtape/marks", "json", 1, "mark", "3", "1"), ("frames", "raw", 0, "received", "2", "1"),
            ("frames", "raw", 0, "sent", "1", "1"), ("state", "json", 1, "received", "1", "2"),
            ("long" * 60, "json", 1, "received", "1", "2"), ("frames", "raw", 0, "received", "1", "2"),
            ("long" * 60 + "!", "json", 1, "received", "1", "2"), ("frames", "raw", 0, "received", "1", "3")])

    def test_there_and_back(self):
        tape, back = self.make("s.tape", SHAPES), self.path("back.tape")
        self.assertEqual(self.json("import", "mcap", self.exported(tape), "-o", back, "--json"), {
            "frames": 8, "skipped": 0, "first": "2023-11-14T22:13:20.000000000Z", "last": "2023-11-14T22:13:25.000000000Z"})
        self.assertEqual(evtest.frames(back), evtest.frames(tape))
        self.out("verify", back)

    def test_files_of_others(self):
        for kind in ("none", "zstd", "plain"):
            path, tape = self.path(kind + ".mcap"), self.path(kind + ".tape")
            self.node("write", path, kind)
            self.out("import", "mcap", path, "-o", tape)
            frames = [f for f in evtest.frames(tape) if f["kind"] == "received"]
            self.assertEqual([(f["time_ns"], f["opcode"], f.get("event"), f["sources"]) for f in frames], [
                (T0 + 2, "text", "state", [7]), (T0 + 1, "binary", None, []), (T0 + 3, "text", "x", [])])

    def test_topics_are_kept_and_the_rest_is_named(self):
        def text(s):
            return len(s.encode()).to_bytes(4, "little") + s.encode()

        def record(op, body):
            return bytes([op]) + len(body).to_bytes(8, "little") + body

        def number(n, size):
            return n.to_bytes(size, "little")

        topics = (("/gps", "json"), ("/imu", "json"), ('/r"\u00e4w', "cdr"), ("/silent", "json"))
        channels = [record(4, number(i, 2) + number(0, 2) + text(t) + text(e) + text("")) for i, (t, e) in enumerate(topics)]
        messages = [record(5, number(c, 2) + number(0, 4) + number(T0 + i, 8) * 2 + b'{"n":%d}' % i)
                    for i, c in enumerate((0, 1, 0, 2, 1))]
        attachment = record(9, number(T0, 8) * 2 + text("note.txt") + text("text/plain") + number(5, 8) + b"hello" + number(0, 4))
        metadata = record(12, text("ri\nde") + number(0, 4))
        end = record(15, number(0, 4)) + record(2, number(0, 20))
        for others in ((), (attachment,), (attachment, metadata)):
            path, tape = self.path("o.mcap"), self.path("o%d.tape" % len(others))
            magic = b"\x89MCAP0\r\n"
            self.write("o.mcap", magic + record(1, text("") * 2) + b"".join([*channels, *others, *messages]) + end + magic)
            if others:
                words = ("1 of them was left out: attachment note.txt\n", r"2 of them were left out: attachment note.txt, metadata ri\?de")
                self.warns(3, words[len(others) - 1], "import", "mcap", path, "-o", tape)
            else:
                self.out("import", "mcap", path, "-o", tape)
            frames = evtest.frames(tape)
            self.assertEqual([(f["connection"], f["payload"]["url"]) for f in frames if f["kind"] == "mark"],
                             [(1, "/gps"), (2, "/imu"), (3, '/r"\u00e4w')])
            self.assertEqual([f["connection"] for f in frames if f["kind"] == "received"], [1, 2, 1, 3, 2])

    def test_custom_key_paths(self):
        tape = self.make("k.tape", ['%d received 1 1 {"id":7,"kind":"k"}' % T0])
        self.out("import", "mcap", self.exported(tape), "-o", self.path("k2.tape"), "--source-path", "/id", "--event-path",
                 "/kind")
        frame = evtest.frames(self.path("k2.tape"))[0]
        self.assertEqual((frame["event"], frame["sources"]), ("k", [7]))
        self.fails(2, "path", "import", "mcap", self.path("out.mcap"), "-o", self.path("x.tape"), "--source-path", "id")

    def test_empty_and_early(self):
        self.node("read", self.exported(self.make("e.tape", [])))
        old = self.make("o.tape", ['-5 received 1 1 {"a":1}', '5 received 1 1 {"a":2}'])
        self.warns(3, "1 frame was received before 1970", "export", "mcap", old, "-o", self.path("old.mcap"))

    def test_damaged_files(self):
        path, out = self.exported(self.many_blocks()), self.path("x.tape")
        with open(path, "rb") as f:
            whole = f.read()
        bad = self.path("bad.mcap")
        end = whole.rindex(b"\x0f" + (4).to_bytes(8, "little"))  # a summary follows
        for at in list(range(0, len(whole), 97)) + [end + 10, len(whole) - 1]:
            self.write("bad.mcap", whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1:])
            self.fails(1, r"bad\.mcap", "import", "mcap", bad, "-o", out)
        for size in list(range(0, len(whole), 311)) + [end, end + 5, len(whole) - 1]:
            self.write("bad.mcap", whole[:size])
            self.fails(1, r"bad\.mcap", "import", "mcap", bad, "-o", out)
        self.nothing_left("x.tape")
        self.write("bad.mcap", whole[:5] + b"1" + whole[6:])
        self.fails(1, "an MCAP version other than 0|is not an MCAP file", "import", "mcap", bad, "-o", out)
        chunk = whole.index(b"zstd")
        self.write("bad.mcap", whole[:chunk] + b"lz4x" + whole[chunk + 4:])
        self.fails(1, "compressed with lz4x, which is not supported; convert it with 'mcap compress", "import", "mcap", bad, "-o", out)

    def test_usage(self):
        self.fails(2, "name the tape to make", "import", "mcap", "x.mcap")
        self.fails(1, "cannot open", "import", "mcap", self.path("none"), "-o", self.path("x.tape"))
        self.fails(1, "is not a regular file", "import", "mcap", self.dir, "-o", self.path("x.tape"))
        self.nothing_left("x.tape")
