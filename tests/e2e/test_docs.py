"""The examples of the README and of docs/ work as documented."""

import asyncio
import json
import os
import re
import shutil
import subprocess

import websockets

import evtest
import npm

README = os.path.join(evtest.TOP, "README.md")


def blocks(path, language):
    """The code blocks of a language in a Markdown file."""
    with open(path, encoding="utf-8") as f:
        return re.findall(r"^```%s\n(.*?)^```$" % language, f.read(), re.M | re.S)


class Recipes(evtest.Case):
    def setUp(self):
        super().setUp()
        self.env = dict(os.environ, PATH=evtest.BUILD + ":" + self.dir + ":" + os.environ["PATH"])
        self.recipes = blocks(README, "sh")
        self.assertEqual(len(self.recipes), 5)

    def script(self, name, text):
        path = self.write(name, "#!/bin/sh\n" + text)
        os.chmod(path, 0o755)

    def shell(self, command, **options):
        return subprocess.run(["bash", "-euo", "pipefail", "-c", command], cwd=self.dir, env=self.env,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, **options)

    def works(self, command):
        done = self.shell(command)
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        return done.stdout.decode()

    def record(self):
        """The first recipe, with the simulator in the platform's place."""
        self.write("hash.txt", "0123456789abcdef0123456789abcdef\n")
        ready = self.path("ready")
        self.start("evtape-sim", "--ready-file", ready, "--hash", self.path("hash.txt"), "--rate", 100)
        self.wait_until("the simulator", lambda: os.path.exists(ready))
        with open(ready, encoding="ascii") as f:
            command = self.recipes[0].replace("wss://api.example.com", f.read().strip())
        p = self.spawn(["bash", "-c", "cd %s && exec %s" % (self.dir, command)], env=self.env)
        self.wait_until("a state on the tape", lambda: os.path.exists(self.path("field.tape/journal/lock")) and
                        any(e["event"] == "state_batch" for e in evtest.info(self.path("field.tape"))["events"]))
        p.finish(evtest.SIGINT)

    def test_the_recipes(self):
        self.record()
        info, count = self.recipes[1].strip().split("\n")
        self.assertIn("state_batch", self.works(info))
        self.assertRegex(self.works(count), r"\d+ state_batch")
        self.script("my-consumer", "cat >/dev/null\n")
        self.works(self.recipes[2])
        self.serve()
        self.script("mosquitto_sub", "echo '{\"id\":7,\"kind\":\"moved\"}'\n")
        self.works(self.recipes[4])
        info = evtest.info(self.path("other.tape"))
        self.assertEqual(info["sources"][0]["source_id"], 7)
        self.assertEqual(info["events"][0]["event"], "moved")

    def serve(self):
        command, stream, others = self.recipes[3].strip().split("\n")
        url = re.search(r"ws://\S+", stream).group()
        base, app, page = (u.replace("127.0.0.1:8787", "%s") for u in re.findall(r"\w+://\S+", others))
        command = command.replace("127.0.0.1:8787", "127.0.0.1:0")
        p = self.spawn(["bash", "-c", "cd %s && exec %s" % (self.dir, command)], env=self.env)
        port = p.wait_for(rb"listening on ws://127\.0\.0\.1:(\d+)/stream").group(1).decode()
        self.assertIn("from=12:00", url)
        url = url.replace(":8787", ":" + port).replace("from=12:00", "from=%2B0s").replace("speed=2", "speed=max")

        async def read():
            async with websockets.connect(url, max_size=None, **evtest.PATIENT) as ws:
                return [m async for m in ws]
        self.assertTrue(asyncio.run(read()))

        async def subscribe():
            async with websockets.connect(app % here, **evtest.PATIENT) as ws:
                await ws.send('{"action":"subscribe","hash":"h","events":["state"],"trackers":[1]}')
                return json.loads(await ws.recv())["action"]
        here = "127.0.0.1:" + port
        self.assertEqual(asyncio.run(subscribe()), "subscription/subscribe")
        self.assertIn("<title>", self.works("curl -sS '%s'" % (page % here)))
        self.assertIn('"success":true', self.works("curl -sS '%s/tracker/list' -d hash=h" % (base % here)))
        p.finish(evtest.SIGINT)

    def test_the_program_in_c(self):
        """The README shows the heart of docs/example.c."""
        with open(os.path.join(evtest.TOP, "docs", "example.c"), encoding="ascii") as f:
            program = re.sub(r"\s+", " ", f.read())
        for statement in re.findall(r"evt_\w+\([^;{]*", blocks(README, "c")[0]):
            call = re.match(r"evt_\w+\(", statement).group()
            self.assertIn(call, program)

    def test_links_lead_somewhere(self):
        for name in ["README.md", *("docs/" + n for n in os.listdir(os.path.join(evtest.TOP, "docs")))]:
            if not name.endswith(".md"):
                continue
            path = os.path.join(evtest.TOP, name)
            with open(path, encoding="utf-8") as f:
                links = re.findall(r"\]\(([^)#:]+)\)", f.read())
            for link in links:
                self.assertTrue(os.path.exists(os.path.join(os.path.dirname(path), link)), (name, link))

    def test_the_index_query(self):
        tape = self.path("field.tape")
        evtest.run("evtape-record", "-", "-o", tape, "-q",
                   stdin=b'{"event":"state","data":{"source_id":10001}}\n' * 3)
        query = [b for b in blocks(os.path.join(evtest.TOP, "docs", "format.md"), "") if b.startswith("sqlite3")]
        self.assertEqual(self.works(query[0]), "10001|3\n")

    def test_the_commands_of_the_tool(self):
        """Each command line of docs/tools.md, convert.md, recipes.md and operations.md, in order."""
        lines = b"".join(
            b'{"type":"event","event":"state","data":{"source_id":%d,"n":%d}}\n' % (10001 + i % 3, i) for i in range(300))
        evtest.run("evtape-record", "-", "-o", self.path("field.tape"), "-q", stdin=lines)
        shutil.copytree(self.path("field.tape"), self.path("tapes/field.tape"))
        documents = [os.path.join(evtest.TOP, "docs", name) for name in ("tools.md", "convert.md", "recipes.md", "operations.md")]
        for block in (b for path in documents for b in blocks(path, "sh")):
            for line in block.strip().split("\n"):
                with self.subTest(line):
                    self.works(line.replace("+1s", "+1ms").replace("+2s", "+0s"))

    def test_queries(self):
        """The SQL of the README and of docs/recipes.md gives rows."""
        if any(s in os.path.basename(evtest.BUILD) for s in ("asan", "tsan")):
            self.skipTest("the extension is loaded by programs that have no sanitizer")
        frames = b"".join(b'{"event":"state","data":{"source_id":%d,"gps":{"speed":%d}}}\n' % (10001 + i % 2, 70 * (1 - i % 2))
                          for i in range(100))
        evtest.run("evtape-record", "-", "-o", self.path("field.tape"), "-q", stdin=frames)
        for path in (README, os.path.join(evtest.TOP, "docs", "recipes.md")):
            for block in blocks(path, "sql"):
                script = block.replace("build/evtape", evtest.program("evtape")).replace("'+1m' AND '+5m'", "'+0s' AND '+5m'")
                done = self.shell("sqlite3 -bail :memory:", input=script.encode())
                self.assertEqual(done.stderr, b"")
                self.assertRegex(done.stdout, rb"^20\d\d-.*\|70\|0\n")

    def test_duckdb(self):
        """The queries of docs/recipes.md, in DuckDB."""
        env = npm.need("@duckdb/node-api@1.5.6-r.1")
        evtest.run("evtape-record", "-", "-o", self.path("field.tape"), "-q", stdin=b"".join(
            b'{"event":"state","data":{"source_id":%d,"gps":{"speed":%d}}}\n' % (1 + i % 2, i) for i in range(100)))
        queries = blocks(os.path.join(evtest.TOP, "docs", "recipes.md"), "duckdb")[0].strip().rstrip(";").split(";")
        script = ("const {DuckDBInstance} = require('@duckdb/node-api');(async () => {"
                  "const c = await (await DuckDBInstance.create(':memory:')).connect();"
                  "for (const q of process.argv.slice(1))"
                  " console.log(JSON.stringify((await c.runAndReadAll(q)).getRowsJson()));})()")
        done = subprocess.run(["node", "-e", script, *queries], env=env, cwd=self.dir, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, check=False)
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        first, second = map(json.loads, done.stdout.splitlines())
        self.assertEqual(first, [["1", "50", "98"], ["2", "50", "99"]])
        self.assertEqual(second, [["1", "50"], ["2", "50"]])

    def test_named_files_are_there(self):
        """Files, and functions in files, that the documents name exist."""
        for name in ("README.md", *("docs/%s.md" % n for n in ("architecture", "contributing", "format", "glossary", "performance",
                                                              "reliability", "security"))):
            with open(os.path.join(evtest.TOP, name), encoding="utf-8") as f:
                text = f.read()
            for item in re.findall(r"`(test_\w+\.(?:py|c))`", text):
                self.assertTrue(any(os.path.exists(os.path.join(evtest.TOP, "tests", kind, item)) for kind in ("unit", "e2e")),
                                "%s names %s" % (name, item))
            # NAME and TARGET are placeholders for any name.
            for item in re.findall(r"`((?:format|record|replay|tools|tests|docs)/[\w./-]+)`", text):
                self.assertTrue(re.search("NAME|TARGET", item) or os.path.exists(os.path.join(evtest.TOP, item)), "%s names %s" % (name, item))
            for function, path in re.findall(r"`(\w+)\(\)`\s+in\s+`([\w./-]+)`", text):
                with open(os.path.join(evtest.TOP, path), encoding="utf-8") as f:
                    self.assertRegex(f.read(), r"(?m)^%s\(" % function, "%s names %s() in %s" % (name, function, path))

    def test_threads_have_the_names_of_the_document(self):
        """docs/architecture.md lists each thread by its name in top -H."""
        with open(os.path.join(evtest.TOP, "docs", "architecture.md"), encoding="utf-8") as f:
            named = set(re.findall(r"^\| `(evt-\w+)` \|", f.read(), re.M))
        ready = self.path("ready")
        self.start("evtape-sim", "--ready-file", ready, "--rate", 100)
        self.wait_until("the simulator", lambda: os.path.exists(ready))
        with open(ready, encoding="ascii") as f:
            url = f.read().strip() + "/event/subscription"
        p = self.start("evtape-record", url, "-o", self.path("threads.tape"), "--metrics", "0", "--trackers", "all",
                       "--credential-file", self.write("hash.txt", "0123456789abcdef0123456789abcdef\n"))

        def threads():
            tasks = "/proc/%d/task" % p.popen.pid
            return {self.read_line(os.path.join(tasks, t, "comm")) for t in os.listdir(tasks)}
        self.wait_until("the threads", lambda: {"evt-network", "evt-tape", "evt-packer", "evt-metrics"} <= threads())
        self.assertEqual(threads() - named - {"evtape-record"}, set())
        p.finish(evtest.SIGINT)

    @staticmethod
    def read_line(path):
        try:
            with open(path, encoding="ascii") as f:
                return f.readline().strip()
        except OSError:  # the thread has ended
            return "evtape-record"


if __name__ == "__main__":
    evtest.unittest.main()
