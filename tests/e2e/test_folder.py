"""A folder of tapes: evtape info FOLDER lists them and searches over all."""

import json
import os
import re
import shutil
import subprocess
import unittest

import evtest
import tooltest
from tooltest import S, T0

DAY = 86400 * S


def mark(at, opcode, payload):
    return "%d mark %d 0 %s" % (at, opcode, json.dumps(payload))


def note(at, text):
    return mark(at, 7, {"mark": "note", "text": text})


def trackers(at, *labels):
    return mark(at, 9, {"mark": "trackers", "success": True, "list": [
        {"id": i + 1, "label": label, "source": {"id": 10001 + i}} for i, label in enumerate(labels)]})


class FolderCase(tooltest.Case):
    def folder(self):
        """Three tapes, a day apart, the youngest in two more folders; not in the order of their names."""
        os.makedirs(self.path("tapes/2023/late"))
        self.states("tapes/b.tape", extra=[note(T0 + 50 * S, "Gate opened"), mark(T0 + 60 * S, 5, {
            "mark": "gap", "frames": 3, "bytes": None, "reason": "r", "seconds": 1, "from": None, "to": None})])
        self.states("tapes/a.tape", n=10, sources=2, start=T0 + DAY, extra=[trackers(T0 + DAY, "Van Élan", "Truck 7")])
        self.states("tapes/2023/late/c.tape", sources=8, start=T0 + 2 * DAY)
        return self.path("tapes")

    def names(self, *args, check=0):
        return [t["name"] for t in self.json("info", "--json", *args, check=check)["tapes"]]


class Folder(FolderCase):
    def test_lists_by_time(self):
        folder = self.folder()
        got = self.json("info", "--json", folder)
        self.assertEqual(got["folder"], folder)
        self.assertEqual([t["name"] for t in got["tapes"]], ["b.tape", "a.tape", "2023/late/c.tape"])
        for t in got["tapes"]:
            alone = evtest.info(os.path.join(folder, t["name"]))
            for key in ("first", "last", "first_ns", "last_ns", "frames", "stored_bytes", "live", "unclosed", "damaged"):
                self.assertEqual(t[key], alone[key], key)
            self.assertEqual(t["sources"], len(alone["sources"]))
            self.assertEqual(t["gaps"], sum(m["mark"] == "gap" for m in alone["marks"]))
        b, a, _c = got["tapes"]
        self.assertEqual((b["gaps"], b["bookmarks"], b["labels"]), (1, 1, 0))
        self.assertEqual(b["bookmark_list"], [
            {"time": "2023-11-14T22:14:10.000000000Z", "time_ns": T0 + 50 * S, "text": "Gate opened"}])
        self.assertEqual((a["labels"], a["label_list"]), (2, ["Van Élan", "Truck 7"]))
        self.assertEqual((got["skipped"], got["too_deep"]), ([], 0))

    def test_for_people(self):
        folder = self.folder()
        out = self.out("info", folder).decode()
        self.assertRegex(out, r"^folder +%s\nfrom +2023-11-14T22:13:20.000Z\nto +2023-11-16T22:14:59.000Z\n" % re.escape(folder))
        self.assertIn("\ntapes (3)\n", out)
        self.assertRegex(out, r"\n  2023-11-14T22:13:20.000Z +1m39s +4 sources +1 gap +1 bookmark +\S+ KiB  b.tape\n"
                              r"      bookmark  2023-11-14T22:14:10.000Z  Gate opened\n")
        self.assertIn("\n      labels  Van Élan, Truck 7\n", out)

    def test_searches(self):
        folder = self.folder()
        for args, want in (
                (["--label", "van éLAN"], ["a.tape"]),
                (["--label", "truck"], ["a.tape"]),
                (["--mark", "gate"], ["b.tape"]),
                (["--mark", "GATE", "--from", "2023-11-15"], []),
                (["--mark", "GATE", "--to", "2023-11-14T22:14:10Z"], []),
                (["--mark", "GATE", "--from", "2023-11-14T22:14:10Z", "--for", "1s"], ["b.tape"]),
                (["--source", "10004"], ["b.tape", "2023/late/c.tape"]),
                (["--source", "10008,77"], ["2023/late/c.tape"]),
                (["--source", '"10008"'], []),
                (["--source", "10001", "--label", "van"], ["a.tape"]),
                (["--source", "10004", "--day", "2023-11-16"], ["2023/late/c.tape"]),
                (["--day", "2023-11-14"], ["b.tape"]),
                (["--day", "2023-11-15"], ["a.tape"]),
                (["--day", "2023-11-17"], []),
                (["--from", "2023-11-15T00:00:00Z"], ["a.tape", "2023/late/c.tape"]),
                (["--to", "2023-11-16"], ["b.tape", "a.tape"])):
            self.assertEqual(self.names(*args, folder), want, args)

    def test_a_source_counts_in_the_window(self):
        """The tape spans the day, and the source does not."""
        os.mkdir(self.path("tapes"))
        self.make("tapes/x.tape", ['%d received 1 1 {"type":"event","event":"state","data":{"source_id":%d}}' % (T0 + at, source)
                                   for at, source in ((0, 1), (S, 2), (2 * DAY, 1))])
        self.assertEqual(self.names("--source", "2", self.path("tapes")), ["x.tape"])
        self.assertEqual(self.names("--source", "2", "--day", "2023-11-15", self.path("tapes")), [])
        self.assertEqual(self.names("--source", "1", "--day", "2023-11-15", self.path("tapes")), ["x.tape"])

    def test_a_search_that_finds_nothing_says_what_there_is(self):
        folder = self.folder()
        words = self.warns(0, r"no tape found; .*tapes has 3 tapes with frames from 2023-11-14T22:13:20.000Z to 2023-11-16",
                           "info", "--label", "boat", folder)
        self.assertEqual(words, b"")

    def test_what_is_no_folder_of_tapes(self):
        os.makedirs(self.path("empty"))
        os.makedirs(self.path("foreign/src"))
        self.write("foreign/src/main.c", "x")
        self.fails(1, r"empty is not a tape: .*, and there is no tape in it\n", "info", self.path("empty"))
        self.fails(1, r"foreign is not a tape: .*, and there is no tape in it\n", "info", self.path("foreign"))
        self.fails(1, r"a tape is a folder\n", "info", self.path("foreign/src/main.c"))
        self.fails(1, r"there is no tape at .*/gone\n", "info", self.path("gone"))

    def test_options_that_fit_no_tape(self):
        folder = self.folder()
        self.fails(2, "choose among the tapes in a folder", "info", "--label", "x", os.path.join(folder, "a.tape"))
        self.fails(2, "invalid day '14.11.2023'", "info", "--day", "14.11.2023", folder)
        self.fails(2, "2023-13-40", "info", "--day", "2023-13-40", folder)
        self.fails(2, "exclude each other", "info", "--day", "2023-11-14", "--from", "2023-11-14", folder)
        self.fails(2, "looked up only on a tape", "info", "--source", "label:Van", folder)
        self.fails(2, "a relative time needs a tape", "info", "--from", "+10m", folder)

    def test_tapes_beside_other_things(self):
        folder = self.folder()
        self.write("tapes/README", "x")
        os.makedirs(os.path.join(folder, "node_modules/x"))
        os.mkfifo(os.path.join(folder, "pipe"))
        self.assertEqual(len(self.names(folder)), 3)

    def test_links_are_not_followed(self):
        folder = self.folder()
        outside = self.states("outside.tape")
        os.symlink(outside, os.path.join(folder, "outside"))
        os.symlink(folder, os.path.join(folder, "2023", "again"))
        got = self.json("info", "--json", folder)
        self.assertEqual(len(got["tapes"]), 3)
        self.assertEqual(got["skipped"], [{"name": n, "reason": "a link, which is not followed"}
                                          for n in ("2023/again", "outside")])
        self.assertRegex(self.out("info", folder).decode(), r"\nskipped \(2\)\n  2023/again: a link, which is not followed\n")
        # The folder itself may be named by a link.
        os.symlink(folder, self.path("link"))
        self.assertEqual(len(self.names(self.path("link"))), 3)
        os.mkdir(self.path("only"))
        os.symlink(outside, self.path("only/outside"))
        self.fails(1, "there is no tape in it; 1 link or unreadable folder there was skipped", "info", self.path("only"))

    def test_deep_folders(self):
        folder = self.folder()
        self.states("x.tape", n=1)
        os.makedirs(os.path.join(folder, "1/2/3/4"))
        shutil.copytree(self.path("x.tape"), os.path.join(folder, "1/2/3/seen.tape"))
        shutil.copytree(self.path("x.tape"), os.path.join(folder, "1/2/3/4/unseen.tape"))
        got = self.json("info", "--json", folder)
        self.assertIn("1/2/3/seen.tape", [t["name"] for t in got["tapes"]])
        self.assertEqual((len(got["tapes"]), got["too_deep"]), (4, 1))
        self.assertIn("  1 folder deeper than 4 levels\n", self.out("info", folder).decode())

    def test_a_tape_that_cannot_be_read(self):
        folder = self.folder()
        os.remove(os.path.join(folder, "a.tape/tape.db"))
        os.remove(self.segment(os.path.join(folder, "a.tape")))
        os.symlink("/etc/passwd", self.segment(os.path.join(folder, "a.tape")))
        out = self.out("info", folder, check=3).decode()
        self.assertRegex(out, r"\n  cannot be read +a.tape: [^\n]+\n")
        got = self.json("info", "--json", folder, check=3)
        self.assertEqual([t["name"] for t in got["tapes"]], ["b.tape", "2023/late/c.tape", "a.tape"])
        self.assertEqual(set(got["tapes"][2]), {"name", "error"})
        # A search cannot rule it out.
        self.assertEqual(self.names("--source", "10008", folder, check=3), ["2023/late/c.tape", "a.tape"])

    def test_a_damaged_tape(self):
        folder = self.folder()
        tape = os.path.join(folder, "b.tape")
        os.remove(os.path.join(tape, "tape.db"))
        self.flip(self.segment(tape), 300)
        got = self.json("info", "--json", folder, check=3)["tapes"]
        self.assertEqual({t["name"]: t["damaged"] for t in got}["b.tape"], 1)
        self.assertIn("b.tape (damaged)", self.out("info", folder, check=3).decode())

    @unittest.skipIf(os.geteuid() == 0, "root reads every folder")
    def test_a_folder_that_cannot_be_read(self):
        folder = self.folder()
        os.chmod(os.path.join(folder, "2023"), 0)
        self.addCleanup(os.chmod, os.path.join(folder, "2023"), 0o700)
        got = self.json("info", "--json", folder, check=3)
        self.assertEqual([t["name"] for t in got["tapes"]], ["b.tape", "a.tape"])
        self.assertEqual([s["name"] for s in got["skipped"]], ["2023"])

    def test_a_tape_that_is_being_recorded(self):
        folder = self.folder()
        tape = os.path.join(folder, "live.tape")
        p = self.start("evtape-record", "-", "-o", tape, "--json", stdin=subprocess.PIPE)
        p.popen.stdin.write(b'{"type":"event","event":"state","data":{"source_id":5}}\n')
        p.popen.stdin.flush()
        self.wait_until("the frame is seen", lambda: self.names("--source", "5", folder) == ["live.tape"])
        live = [t for t in self.json("info", "--json", folder)["tapes"] if t["live"]]
        self.assertEqual([t["name"] for t in live], ["live.tape"])
        self.assertIn("live.tape (being recorded)", self.out("info", folder).decode())
        p.popen.stdin.close()
        p.finish()

    def test_two_hundred_tapes(self):
        """Opened one after the other: 24 file descriptors are enough."""
        os.mkdir(self.path("tapes"))
        self.states("tapes/0.tape", n=20)
        for i in range(1, 200):
            shutil.copytree(self.path("tapes/0.tape"), self.path("tapes/%d.tape" % i))
        done = subprocess.run(["sh", "-c", 'ulimit -n 24; exec "$@"', "sh", evtest.program("evtape"), "info", "--json",
                               self.path("tapes")], stdout=subprocess.PIPE, check=True)
        got = json.loads(done.stdout)["tapes"]
        self.assertEqual(len(got), 200)
        self.assertEqual({t["frames"] for t in got}, {20})

    def test_text_of_strangers_stays_on_its_line(self):
        os.mkdir(self.path("tapes"))
        self.states("tapes/x\n\x1b[2J.tape", n=3, extra=[note(T0, "a\x1b[31m\nb"), trackers(T0, "l\x1b]0;x\x07")])
        out = self.out("info", self.path("tapes"))
        self.assertNotIn(b"\x1b", out)
        self.assertNotIn(b"\x07", out)
        self.assertEqual(out.count(b"bookmark  2023"), 1)
        self.assertEqual(self.names(self.path("tapes")), ["x\n\x1b[2J.tape"])

    def test_no_frame_is_read(self):
        """With a sound index a tape with broken blocks is listed like a whole one, since they are not read."""
        os.mkdir(self.path("tapes"))
        tape = self.many_blocks("tapes/a.tape")
        want = self.json("info", "--json", self.path("tapes"))
        for no in range(1, 5):
            self.flip(self.segment(tape, no), 400)
        self.assertEqual(self.json("info", "--json", self.path("tapes")), want)


if __name__ == "__main__":
    unittest.main()
