"""GET /api/export: a download that is what `evtape export` prints."""

import concurrent.futures
import os
import unittest

import evtest
from evtest import run
from test_control import ControlCase, moved
from test_replay import S


class Exports(ControlCase):
    def fetch(self, query):
        return self.request("GET", "/api/export?" + query)

    def test_the_answer_is_that_of_the_command(self):
        tape = self.tape("my tape\u00e9.tape", [(i * S, moved(1 + i % 3, i)) for i in range(90)])
        self.serve(tape)
        for form in ("lines", "envelopes", "csv", "geojson", "gpx", "kml"):
            with self.subTest(form):
                status, headers, body = self.fetch("format=%s&from=%%2B10s&to=%%2B50s&source=1,3&event=state" % form)
                self.assertEqual(status, 200, body)
                self.assertEqual(body, run("evtape", "export", form, "--from", "+10s", "--to", "+50s", "--source", "1,3",
                                           "--event", "state", tape).stdout)
                self.assertRegex(headers["content-disposition"],
                                 r'^attachment; filename="my_tape__-20260301T125153Z-20260301T125233Z\.[a-z]+"$')
        status, _, body = self.request("HEAD", "/api/export?format=csv")
        self.assertEqual((status, body), (200, b""))

    def test_refused(self):
        tape = self.tape("t.tape", [(i * S, moved(1, i)) for i in range(9)])
        self.serve(tape)
        for query, words in (("", b"give a format"), ("format=sqlite", b"give a format"), ("format=csv&from=soon", b"soon"),
                             ("format=csv&source=label:", b"there is no file")):
            with self.subTest(query):
                status, _, body = self.fetch(query)
                self.assertEqual(status, 400, body)
                self.assertIn(words, body)
        # What looks like an option is an id that no frame names.
        status, _, body = self.fetch("format=lines&source=--output=x")
        self.assertEqual((status, body), (200, b""))
        self.assertFalse(os.path.exists("x"))

    def test_a_damaged_tape(self):
        tape = self.tape("t.tape", [(i * S, moved(1, i)) for i in range(90)], block=2000)
        self.serve(tape)
        with open(os.path.join(tape, "000001.ndjson.zst"), "r+b") as f:
            f.seek(700)
            f.write(b"\xff\xff\xff\xff")
        status, headers, body = self.fetch("format=lines")
        self.assertEqual(status, 200, body)
        self.assertIn('-damaged.ndjson"', headers["content-disposition"])
        self.assertLess(body.count(b"\n"), 90)

    def test_many_at_once(self):
        tape = self.tape("t.tape", [(i * S, moved(1, i)) for i in range(900)])
        self.serve(tape)
        want = run("evtape", "export", "lines", tape).stdout
        with concurrent.futures.ThreadPoolExecutor(30) as pool:
            got = list(pool.map(lambda _: self.fetch("format=lines"), range(40)))
        self.assertLessEqual({status for status, _, _ in got}, {200, 503})
        self.assertEqual({body for status, _, body in got if status == 200}, {want})

        def children():
            with open("/proc/%d/task/%d/children" % (self.server.pid, self.server.pid), encoding="ascii") as f:
                return f.read()
        self.wait_until("the programs to be gone", lambda: not children())


if __name__ == "__main__":
    unittest.main()
