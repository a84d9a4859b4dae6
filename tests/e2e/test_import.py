"""evtape import: lines, envelopes, logs and HAR files as tapes."""

import base64
import bz2
import gzip
import json
import lzma
import os
import shutil
import subprocess
import zipfile

import evtest
import tooltest
from tooltest import S, T0


class Case(tooltest.Case):
    def imported(self, form, content, *options, check=0, words=""):
        """The frames of the tape made from this content."""
        self.count = getattr(self, "count", 0) + 1
        path, tape = self.write("in%d" % self.count, content), self.path("out%d.tape" % self.count)
        done = evtest.run("evtape", "import", form, path, "-o", tape, *options, check=check)
        self.assertRegex(done.stderr.decode(), words or r"^evtape import \w+: made [^\n]*\n$")
        return evtest.frames(tape)

    def refused(self, form, content, pattern, *options, check=1):
        self.fails(check, pattern, "import", form, self.write("bad", content), "-o", self.path("bad.tape"), *options)
        self.nothing_left("bad.tape")


class Ndjson(Case):
    def test_received_now(self):
        tape = self.path("now.tape")
        done = evtest.run("evtape", "import", "ndjson", "-", "-o", tape, "--json",
                          stdin=b'{"event":"state","data":{"source_id":1}}\r\nno json\n\n{"a":1}')
        self.assertEqual(json.loads(done.stdout)["frames"], 3)
        got = evtest.frames(tape)
        self.assertEqual([f.get("payload", f.get("payload_text")) for f in got],
                         [{"event": "state", "data": {"source_id": 1}}, "no json", {"a": 1}])
        self.assertEqual((got[0]["event"], got[0]["sources"], got[0]["kind"]), ("state", [1], "received"))
        self.assertGreater(got[0]["time_ns"], T0)

    def test_times_at_a_path(self):
        times = ("1700000000", "1700000000.25", "1700000000123", "1700000000123456", "1700000000123456789",
                 '"2023-11-14T22:13:20.5Z"', '"2023-11-15 00:13:20+02:00"', '"1700000001"')
        got = self.imported("ndjson", "".join('{"t":{"s":%s}}\n' % t for t in times), "--time-path", "/t/s")
        self.assertEqual([f["time_ns"] - T0 for f in got],
                         [0, S // 4, 123 * 10**6, 123456 * 1000, 123456789, S // 2, 0, S])
        steady = [f["mono_ns"] for f in got]
        self.assertEqual(steady, sorted(steady))

    def test_leading_stamps(self):
        got = self.imported("ndjson", '1700000000.5 {"a":1}\n[2023-11-14T22:13:21Z]\t{"a":2}\n2023-11-14 22:13:22,250 x\n'
                            "1700000003: y\n", "--stamp")
        self.assertEqual([(f["time_ns"] - T0, f.get("payload", f.get("payload_text"))) for f in got],
                         [(S // 2, {"a": 1}), (S, {"a": 2}), (2 * S + S // 4, "x"), (3 * S, "y")])

    def test_lines_that_cannot_be_read(self):
        got = self.imported("ndjson", '{"t":1}\n{"t":"noon"}\n{bad\n{"t":2}\n', "--time-path", "/t", check=3,
                            words=r"^evtape import ndjson: warning: line 2 has no time at the pointer; 2 such items were left out")
        self.assertEqual(len(got), 2)
        self.refused("ndjson", '{"t":1}\n{bad\n', "line 2 is not JSON", "--time-path", "/t", "--strict")
        self.refused("ndjson", "x\n", "exclude each other", "--stamp", "--envelopes", check=2)
        self.refused("ndjson", "x\n", "is not a JSON pointer", "--time-path", "t", check=2)
        self.fails(1, "cannot open", "import", "ndjson", self.path("none"), "-o", self.path("x.tape"))
        self.fails(2, "name the tape to make", "import", "ndjson", "-")
        self.nothing_left("x.tape")

    def test_envelopes_there_and_back(self):
        lines = ['%d/%d mark 3 1 {"mark":"connected","x":"\\u00e4"}' % (T0, T0 + 5), "%d received 2 1 hex:00ff" % (T0 + S),
                 "%d sent 1 1 X" % (T0 + S), '%d received 1 2 {"event":"state","data":{"source_id":"a"}}' % (T0 + 2 * S),
                 "%d received 1 2 hex:ff" % (T0 + 3 * S), "%d received 1 2 hex:" % (T0 + 4 * S),
                 "%d received 1 2 hex:7b0a7d" % (T0 + 5 * S), "-5/-7 received 9 2 x", "%d received 1 1 {\"a\": 1.50 }" % T0]
        tape = self.make("a.tape", lines)
        got = self.imported("ndjson", self.out("export", "envelopes", tape), "--envelopes")
        self.assertEqual(got, evtest.frames(tape))

    def test_bad_envelopes(self):
        good = '{"time_ns":1,"kind":"received","opcode":"text","payload":{}}'
        bad = ("{}", "[]", "x", '{"time_ns":1,"kind":"received","opcode":"text"}',
               '{"time_ns":1,"kind":"odd","opcode":"text","payload":{}}', '{"kind":"sent","opcode":"text","payload":{}}',
               '{"time_ns":1,"kind":"mark","mark":"unheard","payload":{}}',
               '{"time_ns":1,"kind":"received","opcode":99,"payload":{}}',
               '{"time_ns":1,"kind":"received","opcode":"binary","payload_base64":"?"}')
        got = self.imported("ndjson", "\n".join((good,) + bad), "--envelopes", check=3, words="%d such items were left out" % len(bad))
        self.assertEqual(len(got), 1)


class Log(Case):
    def test_directions(self):
        got = self.imported("log", "1700000000 < {\"a\":1}\n1700000001 > {\"b\":2}\n1700000002 {\"c\":3}\n"
                            "1700000003 sent: x\n1700000004 \u2190 y\n1700000005 <z\n1700000006 >\n")
        self.assertEqual([(f["kind"], f.get("payload", f.get("payload_text"))) for f in got], [
            ("received", {"a": 1}), ("sent", {"b": 2}), ("received", {"c": 3}), ("sent", "x"), ("received", "y"),
            ("received", "<z"), ("sent", "")])

    def test_times_of_day(self):
        got = self.imported("log", "[23:59:59.5] a\n[23:59:59.4] b\n00:00:01 c\n12:00:00,25 d\n", "--date", "2023-11-14")
        day = 1699920000 * S
        self.assertEqual([f["time_ns"] - day for f in got], [
            86399 * S + S // 2, 86399 * S + 4 * S // 10, 86401 * S, 86400 * S + 43200 * S + S // 4])
        self.imported("log", "[23:59:59.5] a\n", check=3, words="line 1 does not begin with a time")
        self.refused("log", "x", "invalid date", "--date", "14.11.2023", check=2)

    def test_the_output_of_ts(self):
        got = self.imported("log", "1700000000.123456 {\"a\":1}\n2023-11-14T22:13:21.5Z {\"a\":2}\nand its second line\n",
                            check=3, words="line 3 does not begin with a time")
        self.assertEqual([f["time_ns"] - T0 for f in got], [123456000, S + S // 2])


def har(*entries, **extra):
    return json.dumps({"log": dict({"version": "1.2", "creator": {"name": "x", "version": "1"}, "entries": list(entries)},
                                   **extra)})


def entry(url, *messages):
    return {"request": {"method": "GET", "url": url}, "response": {}, "_resourceType": "websocket",
            "_webSocketMessages": [dict(zip(("type", "time", "opcode", "data"), m)) for m in messages]}


class Har(Case):
    def test_two_connections(self):
        binary = base64.b64encode(b"\x00\xff").decode()
        got = self.imported("har", har(
            {"request": {"url": "https://example.com/"}, "response": {}},
            entry("wss://example.com/event?hash=0123456789abcdef&x=1",
                  ("send", 1700000000.5, 1, '{"action":"subscribe","hash":"0123456789abcdef0123456789abcdef"}'),
                  ("receive", 1700000001.25, 1, '{"event":"state","data":{"source_id":7,"n":"\u00e4"}}'),
                  ("receive", 1700000003, 2, binary)),
            entry("https://other.example/ws", ("receive", 1700000002000, 1, "X"))))
        self.assertEqual([(f["connection"], f.get("mark", f["kind"]), f["time_ns"] - T0) for f in got], [
            (1, "connected", S // 2), (1, "sent", S // 2), (1, "received", S + S // 4), (2, "connected", 2 * S),
            (2, "received", 2 * S), (1, "received", 3 * S)])
        self.assertEqual(got[0]["payload"]["url"], "wss://example.com/event?hash=****************&x=1")
        self.assertEqual(got[3]["payload"]["url"], "wss://other.example/ws")
        self.assertEqual(got[1]["payload"], {"action": "subscribe", "hash": "*" * 32})
        self.assertEqual((got[2]["event"], got[2]["sources"], got[2]["payload"]["data"]["n"]), ("state", [7], "\u00e4"))
        self.assertEqual(got[5]["payload_base64"], binary)

    def test_a_secret_that_comes_back(self):
        secret = "0123456789abcdef0123456789abcdef"
        self.imported("har", har(entry("wss://e/", ("send", 1700000000, 1, '{"hash":"%s"}' % secret),
                                       ("receive", 1700000001, 1, '{"echo":"%s"}' % secret))))
        self.assertNotIn(secret.encode(), self.out("cat", "-f", "lines", "--kind", "received,sent", self.path("out1.tape")))

    def test_secrets_of_requests(self):
        """Of any entry: parameters, headers and cookies that are secret by their names."""
        secrets = ["token/of=query", "bearer-token", "cookie-of-a-request", "password of basic", "cookie-of-an-answer",
                   "cookie-in-a-list"]
        basic = base64.b64encode(b"me:" + secrets[3].encode()).decode()
        login = {"request": {"url": "https://e/login?token=token%2Fof%3Dquery&page=ordinary-text-of-a-page", "headers": [
            {"name": "authorization", "value": "Bearer " + secrets[1]}, {"name": "Cookie", "value": "a=b; c=" + secrets[2]},
            {"name": "Proxy-Authorization", "value": "Basic " + basic}, {"name": "Accept", "value": "ordinary-text-of-a-header"},
            {"name": None}, 7], "cookies": [{"name": "s", "value": secrets[5]}]},
                 "response": {"headers": [{"name": "set-cookie", "value": "d=%s; Path=/ordinary-text" % secrets[4]}], "cookies": 5}}
        ordinary = "ordinary-text-of-a-page ordinary-text-of-a-header /ordinary-text me"
        got = self.imported("har", har(entry("wss://e/", *(("receive", 1700000000 + i, 1, json.dumps({"echo": text}))
                                                           for i, text in enumerate([*secrets, basic, ordinary]))), login))
        self.assertEqual([f["payload"]["echo"] for f in got[1:]], ["*" * len(s) for s in [*secrets, basic]] + [ordinary])

    def test_many_secrets(self):
        """Each is blotted out of what comes back, and time does not grow with their square."""
        messages = []
        for i in range(20000):
            token = "%08x-%032x" % (i, i * 0x9e3779b97f4a7c15)
            messages += [("send", 1700000000 + i, 1, '{"token":"%s"}' % token),
                         ("receive", 1700000000 + i, 1, '{"n":"\\u0020%d","echo":"%s"}' % (i, token))]
        path = self.write("tokens.har", har(entry("wss://e/", *messages)))
        with subprocess.Popen([evtest.program("evtape"), "import", "har", path, "-o", self.path("tokens.tape")]) as child:
            _, code, used = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(code)
        self.assertEqual(child.returncode, 0)
        self.assertLess(used.ru_utime, 20)  # a search for each one takes minutes
        got = self.out("cat", "-f", "lines", "--kind", "received", self.path("tokens.tape")).decode().splitlines()
        self.assertEqual(got, ['{"n":"\\u0020%d","echo":"%s"}' % (i, "*" * 41) for i in range(20000)])

    def test_bom_and_unreadable_messages(self):
        got = self.imported("har", "\ufeff" + har(entry("not a url", ("receive", 1700000000, 1, "a"),
                                                        ("receive", "later", 1, "b"), ("receive", 1700000000, 2, "?!"),
                                                        ("echo", 1700000000, 1, "c"), ("receive", 1700000000, 9, ""),
                                                        ("receive", 1700000000, 1, None))), check=3,
                            words="message 2 of entry 0 has no time; 5 such items were left out")
        self.assertEqual([f.get("payload_text") for f in got], [None, "a"])
        self.assertIsNone(got[0]["payload"]["url"])

    def test_files_that_are_not_har(self):
        whole = har(entry("wss://e/", ("receive", 1700000000, 1, "a")))
        self.refused("har", whole[:-2], "is not well-formed JSON")
        self.refused("har", "", "is empty")
        self.refused("har", "[1]", "it has no log.entries")
        self.refused("har", har(), "has no WebSocket messages")
        self.refused("har", b"\xff\xfe{\x00", "is UTF-16: convert it first")
        self.fails(1, "is not a regular file", "import", "har", self.dir, "-o", self.path("x.tape"))

    def test_lone_surrogates(self):
        lone = har({"request": {"url": "https://e/"}, "response": {"content": {"text": "cut \ud83d"}, "\ude00": "\ud800\ud800"}},
                   entry("wss://e/", ("receive", 1700000000, 1, "pair \U0001f600"), ("receive", 1700000001, 1, "half \ude00"),
                         ("receive", 1700000002, 1, "last")), comment="\\ud83d is no escape")
        got = self.imported("har", lone, check=3, words="message 2 of entry 1 has data that cannot be read; it was left out")
        self.assertEqual([f.get("payload_text") for f in got], [None, "pair \U0001f600", "last"])
        # It does not hide other faults.
        self.refused("har", lone.replace("\\ude00", "\\uxe00"), "is not well-formed JSON")
        # A line stays as it is, to the byte.
        line = '{"t":1,"text":"\\ud83d"}'
        self.imported("ndjson", line, "--time-path", "/t")
        self.assertEqual(self.out("cat", "-f", "lines", self.path("out2.tape")).strip(), line.encode())
        envelope = '{"time_ns":1,"kind":"received","opcode":"text","payload_text":"%s"}\n'
        got = self.imported("ndjson", envelope % "a" + envelope % "\\udead", "--envelopes", check=3,
                            words="line 2 is an envelope without a payload")
        self.assertEqual(len(got), 1)

    def test_time_grows_with_the_file(self):
        message = '{"request":{"url":"ws://a/"},"_webSocketMessages":[{"time":1,"type":"receive","opcode":1,"data":"x"}]}'
        path = self.write("many.har", '{"log":{"entries":[%s]}}' % ",".join([message] * 60000))
        with subprocess.Popen([evtest.program("evtape"), "import", "har", path, "-o", self.path("many.tape")]) as child:
            _, code, used = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(code)
        self.assertEqual(child.returncode, 0)
        self.assertLess(used.ru_utime, 20)  # a quadratic merge takes minutes
        self.assertEqual(self.json("info", "--json", self.path("many.tape"))["frames"], 120000)


class Files(Case):
    """What may surround the content, in each format."""
    FRAME = b'{"event":"state","data":{"source_id":1}}'
    LINES = {"ndjson": b'{"t":1700000000,"x":"\xc3\xa4"}\n{"t":1700000001}\n', "log": b"1700000000 > a\n1700000001 b\n"}

    def options(self, form):
        return ("--time-path", "/t") if form == "ndjson" else ()

    def both(self, form, content, **kind):
        got = self.imported(form, content, *self.options(form), **kind)
        self.assertEqual([f["time_ns"] for f in got], [T0, T0 + S])
        return [f.get("payload", f.get("payload_text")) for f in got]

    def test_bytes_around_lines(self):
        for form, plain in self.LINES.items():
            want = self.both(form, plain)
            bare = plain[:-1]
            for content in (b"\xef\xbb\xbf" + plain, plain.replace(b"\n", b"\r\n"), bare, bare + b"\r",
                            b"\n \t\r\n" + plain.replace(b"\n", b"\n\n\r\n  \n"), b"\xef\xbb\xbf\r\n" + plain):
                self.assertEqual(self.both(form, content), want)
            for name in ("utf-16-le", "utf-16-be"):
                for mark in "\ufeff", "":
                    self.refused(form, (mark + plain.decode()).encode(name), "is UTF-16: convert it first with 'iconv")
        self.refused("har", '\ufeff{"log":{}}'.encode("utf-16-le"), "is UTF-16: convert it first with 'iconv")

    def test_a_compressed_file_cut_off_in_its_first_bytes(self):
        """Two bytes of gzip are no line of text."""
        for form, plain in self.LINES.items():
            for content in self.compressed(plain).values():
                for n in range(2, 12):
                    self.refused(form, content[:n], "it is truncated, near byte %d of the file" % n)

    def test_an_over_long_line(self):
        """A line of more than 256 MiB, sparse in a pipe: it is not written to disk."""
        script = "printf '{\"t\":1}\\n'; head -c 360M /dev/zero; printf '\\n{\"t\":2}'"
        for options, code in (((), 3), (("--strict",), 1)):
            with subprocess.Popen(["sh", "-c", script], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as feed:
                tape = self.path("long%d.tape" % code)
                done = subprocess.run([evtest.program("evtape"), "import", "ndjson", "-", "-o", tape, "--time-path", "/t", *options],
                                      stdin=feed.stdout, stderr=subprocess.PIPE, check=False)
                feed.stdout.close()
            self.assertEqual((done.returncode, b"line 2 is longer than a frame can be" in done.stderr), (code, True), done.stderr)
        self.assertEqual(len(evtest.frames(self.path("long3.tape"))), 2)
        self.nothing_left("long1.tape")

    def compressed(self, content):
        zstd = subprocess.run(["zstd", "-qc"], input=content, stdout=subprocess.PIPE, check=True).stdout
        return {"gz": gzip.compress(content), "zst": zstd}

    def contents(self):
        messages = har(entry("wss://e/", *(("receive", 1700000000 + i, 1, "x%d" % (i * i)) for i in range(200)))).encode()
        mcap = self.path("all.mcap")
        lines = ['%d received 1 1 {"event":"e","n":%d}' % (T0 + i, i * i) for i in range(200)]
        self.out("export", "mcap", self.make("all.tape", lines), "-o", mcap)
        with open(mcap, "rb") as f:
            return dict(self.LINES, har=messages, mcap=f.read())

    def test_compressed_by_content(self):
        for form, content in self.contents().items():
            options = self.options(form)
            want = self.imported(form, content, *options)
            for packed in self.compressed(content).values():
                self.assertEqual(self.imported(form, packed, *options), want)
                half = len(content) // 2
                members = zip(self.compressed(content[:half]).values(), self.compressed(content[half:]).values())
            for first, second in members:
                self.assertEqual(self.imported(form, first + second, *options), want)

    def test_from_a_pipe(self):
        for form, content in self.contents().items():
            for packed in (content, *self.compressed(content).values()):
                tape = self.path("piped.tape")
                evtest.run("evtape", "import", form, "-", "-o", tape, *self.options(form), stdin=packed)
                self.assertGreater(len(evtest.frames(tape)), 1)
                shutil.rmtree(tape)

    def test_cut_off_anywhere(self):
        for form, content in self.contents().items():
            whole = dict(self.compressed(content))
            if form in ("har", "mcap"):
                whole["plain"] = content
            for kind, data in whole.items():
                sizes = {len(data) - 1, len(data) - 4, len(data) - 9, *range(12, len(data), max(1, len(data) // 25))}
                for size in sizes:
                    self.refused(form, data[:size], "bad", *self.options(form))
                if kind != "plain":
                    at = len(data) // 2
                    self.refused(form, data[:at] + bytes([data[at] ^ 0x55]) + data[at + 1:], "bad", *self.options(form))

    def test_other_compressions_are_named(self):
        path = self.path("x.zip")
        with zipfile.ZipFile(path, "w") as z:
            z.writestr("a", self.FRAME)
        with open(path, "rb") as f:
            archive = f.read()
        for data, program in ((lzma.compress(self.FRAME), "xz -dc"), (bz2.compress(self.FRAME), "bzip2 -dc"), (archive, "unzip -p")):
            for form in ("ndjson", "log", "har", "mcap"):
                self.refused(form, data, "is compressed in a form that is not supported: decompress it with '%s' first" % program)
