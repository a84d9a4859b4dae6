"""--source takes any id that ls shows, and labels; so does the API."""

import json
import os
import subprocess
import urllib.parse
import urllib.request

import evtest
import tooltest

IDS = [1, "1", "-5", -5, "depot 3,4", "4", 'a"b', '"q', "a/b", "back\\slash", "tab\there", "line\nbreak", "\x01\x7f",
       "label:x", "é,ü", "a,b,c", "\\", ",", "x'y", "0", "007", "9" * 19, "%2F", "a#b?c&d=e"]


class Ids(tooltest.Case):
    def setUp(self):
        super().setUp()
        lines = "".join(json.dumps({"event": "state", "data": {"source_id": i, "n": n}}) + "\n"
                        for n, i in enumerate(IDS))
        self.tape = self.path("ids.tape")
        subprocess.run([evtest.program("evtape-record"), "-", "-o", self.tape, "-q"], input=lines.encode(), check=True)

    def shown(self):
        """The first column of ls, and the id that --json has in the same place."""
        text = self.out("ls", self.tape).decode().splitlines()
        ids = [x["source_id"] for x in self.json_lines("ls", "--json", self.tape)]
        self.assertEqual(len(text), len(IDS))
        self.assertEqual(sorted(map(repr, ids)), sorted(map(repr, IDS)))
        for line, i in zip(text, ids):
            yield line[:line.rindex("/s")].rsplit(None, 2)[0], i

    def found(self, *args):
        return [json.loads(line)["data"]["source_id"]
                for line in self.out("cat", "-f", "lines", self.tape, *args).splitlines()]

    def test_ids_as_ls_shows_them_select_the_source(self):
        for word, i in self.shown():
            with self.subTest(word=word):
                self.assertEqual(self.found("--source", word), [i])

    def test_a_list_of_all(self):
        words = [word for word, _ in self.shown()]
        self.assertEqual(self.found("--source", ",".join(words)), IDS)
        self.assertEqual(self.found(*(x for w in words for x in ("--source", w))), IDS)

    def test_a_number_is_the_text_if_there_is_no_integer(self):
        self.assertEqual(self.found("--source", "4"), ["4"])
        self.assertEqual(self.found("--source", "0"), ["0"])

    def test_replay_and_parts(self):
        for word, i in self.shown():
            with self.subTest(word=word):
                done = evtest.run("evtape-replay", self.tape, "--speed", "max", "-q", "--source", word)
                self.assertEqual([json.loads(x)["data"]["source_id"] for x in done.stdout.splitlines()], [i])
        self.out("cut", self.tape, "--source", "depot 3\\,4", "-o", self.path("cut.tape"))
        self.assertEqual(self.json_lines("ls", "--json", self.path("cut.tape"))[0]["source_id"], "depot 3,4")

    def test_bad_lists(self):
        for word in '"no end', "\\", "\\xzz", ",", "":
            self.fails(2, "source|escape|quote", "cat", self.tape, "--source", word)

    def test_the_api(self):
        self.start("evtape-replay", self.tape, "--listen", "0", "--ready-file", self.path("url"), "--shared")
        self.wait_until("the server", lambda: os.path.exists(self.path("url")))
        with open(self.path("url")) as f:
            base = f.read().strip().replace("ws:", "http:").replace("/stream", "")

        def ask(path):
            with urllib.request.urlopen(base + path, timeout=30) as answer:
                return json.load(answer)

        for word, i in self.shown():
            with self.subTest(word=word):
                name = urllib.parse.quote(word, safe="")
                frames = ask("/api/frames?from=@0&source=" + name)["frames"]
                self.assertEqual([f["sources"] for f in frames], [[i]])
                if i in ("1", "-5"):  # the path takes the integer of two
                    continue
                at = ask("/api/sources/%s?at=%s" % (name, urllib.parse.quote("2099-01-01T00:00:00Z")))
                self.assertEqual(at["id"], i)


class Labels(tooltest.Case):
    def setUp(self):
        super().setUp()
        trackers = {"mark": "trackers", "from": "x", "trackers": 3, "list": [
            {"id": 1, "label": "Bus 5021", "source": {"id": 10001}},
            {"id": 2, "label": "Bus, big", "source": {"id": 10002}},
            {"id": 3, "label": "Bus 5021", "source": {"id": 10003}}]}
        self.tape = self.make("l.tape", ["%d mark 9 0 %s" % (tooltest.T0, json.dumps(trackers))] + [
            '%d received 1 1 {"type":"event","event":"state","data":{"source_id":%d}}' % (
                tooltest.T0 + i, 10001 + i % 4) for i in range(8)])

    def sources(self, *args):
        return {i for x in self.json_lines("cat", "--kind", "received", self.tape, *args) for i in x["sources"]}

    def test_labels(self):
        self.assertEqual(self.sources("--source", "label:Bus 5021"), {10001, 10003})
        self.assertEqual(self.sources("--source", "label:Bus\\, big,10004"), {10002, 10004})

    def test_no_such_label(self):
        self.fails(2, "no tracker has the label 'Bus 521'; nearest: Bus 5021", "cat", self.tape, "--source",
                   "label:Bus 521")
        self.fails(2, "no tracker list", "cat", self.states(), "--source", "label:Bus")


if __name__ == "__main__":
    evtest.main()
