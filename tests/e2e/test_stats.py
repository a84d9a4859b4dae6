"""evtape stats: known frames, known numbers; and the picture."""

import re
import time
import xml.etree.ElementTree as xml

import tooltest
from tooltest import S, T0

GAP = ('%d mark 5 1 {"mark":"gap","frames":3,"bytes":null,"reason":"<lost>","seconds":20.5,'
       '"from":"2023-11-14T22:14:20Z","to":"2023-11-14T22:14:40Z"}')


def near(value, want):
    """Percentiles are accurate to 9 %."""
    return abs(value - want) <= 0.09 * want


class Stats(tooltest.Case):
    def tape(self):
        lines = []
        for i in range(100):  # 1 each second, 2 each ten seconds and then silent
            lines.append('%d received 1 1 {"event":"state","data":{"source_id":1,"last_update":"2023-11-14 22:%02d:%02d"}}' % (
                T0 + i * S, *divmod(13 * 60 + 20 + i - 3, 60)))
            if i % 10 == 0 and i < 50:
                lines.append('%d received 1 1 {"event":"lifecycle","data":{"source_id":2}}' % (T0 + i * S + S // 2))
        lines.append(GAP % (T0 + 100 * S))
        lines.append('%d received 1 1 {"event":"lifecycle","data":{"source_id":2}}' % (T0 + 100 * S))
        lines.append('%d mark 7 0 {"mark":"note","text":"a <b> & \\u00e4"}' % (T0 + 50 * S))
        return self.make("s.tape", lines)

    def test_numbers(self):
        got = self.json("stats", "--json", "--silence", "30s", "--bucket", "10s", self.tape())
        self.assertEqual((got["frames"], got["n_sources"], got["bucket_ns"]), (106, 2, 10 * S))
        self.assertEqual([b["frames"] for b in got["buckets"]], [11] * 5 + [10] * 5 + [1])
        self.assertEqual(sum(b["bytes"] for b in got["buckets"]), got["bytes"])
        one, two = got["sources"]
        self.assertEqual((one["source_id"], one["frames"], one["rate"], one["silences"]), (1, 100, 1.0, 0))
        self.assertEqual((two["source_id"], two["frames"], two["silences"]), (2, 6, 1))
        self.assertTrue(near(one["between_ns"]["p50"], S), one)
        self.assertEqual((one["between_ns"]["min"], one["between_ns"]["max"], one["between_ns"]["count"]), (S, S, 99))
        self.assertEqual((one["stale_ns"]["min"], one["stale_ns"]["max"]), (3 * S, 3 * S))
        self.assertIsNone(two["stale_ns"])
        self.assertEqual(two["between_ns"]["max"], 59 * S + S // 2)
        self.assertEqual({e["event"]: e["frames"] for e in got["events"]}, {"state": 100, "lifecycle": 6})
        self.assertEqual(got["gaps"], [{"from": "2023-11-14T22:14:20.000000000Z", "to": "2023-11-14T22:14:40.000000000Z",
                                        "seconds": 20.5, "frames": 3, "reason": "<lost>"}])


    def test_local_times_are_converted(self):
        """The feed's clock is five hours and a half ahead; states are seconds old."""
        lines = []
        for i in range(20):
            sent = (T0 + i * S) // S + 19800
            local = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(sent))
            lines.append('%d received 1 1 {"event":"state","user_time":"%s","data":{"source_id":1,"last_update":"%s",'
                         '"gps":{"updated":"%s","location":{"lat":1,"lng":%d}}}}' % (T0 + i * S, local, local, local, i))
        tape = self.make("zone.tape", lines)
        stats = self.json("stats", "--json", tape)
        source, = stats["sources"]
        self.assertEqual((source["stale_ns"]["min"], source["stale_ns"]["max"]), (0, 0))
        for what in ("gpx", "kml", "geojson"):
            self.assertIn(b"2023-11-14T22:13:2", self.out("export", what, tape), what)
        self.assertIn(b'"time":"2023-11-14T22:13:20Z"', self.out("cat", "--format", "geojson", tape))

    def test_for_people(self):
        out = self.out("stats", "--top", 1, "--silence", "30s", self.tape()).decode()
        self.assertRegex(out, r"(?m)^frames  106, \d+\.\d KiB$")
        self.assertRegex(out, r"(?m)^  1 +100 +\S+ KiB +1\.00/s +1s +1s +1s +3s +3s +3s$")
        self.assertRegex(out, r"(?m)^  and 1 more: --top 2 shows all$")
        self.assertRegex(out, r"(?m)^  2023-11-14T22:14:20\.000Z  20\.500 s  3 frames  <lost>$")

    def test_a_window_and_a_batch(self):
        tape = self.make("b.tape", [
            '%d received 1 1 {"event":"state_batch","data":[{"source_id":1},{"state":{"source_id":2}}]}' % (T0 + i * S)
            for i in range(10)])
        got = self.json("stats", "--json", "--from", "+2s", "--to", "+6s", "--source", "2", tape)
        self.assertEqual(got["frames"], 4)
        self.assertEqual([(s["source_id"], s["frames"]) for s in got["sources"]], [(1, 4), (2, 4)])

    def test_the_picture(self):
        picture = self.path("s.svg")
        self.out("stats", self.tape(), "--plot", picture)
        root = xml.parse(picture).getroot()
        text = ["".join(t.itertext()) for t in root.iter("{http://www.w3.org/2000/svg}text")]
        self.assertIn("1", text)
        self.assertIn("2", text)
        self.assertIn("a <b> & \u00e4", text)
        self.assertEqual(["".join(t.itertext()) for t in root.iter("{http://www.w3.org/2000/svg}title")], ["gap: <lost>"])
        self.assertEqual(len([r for r in root.iter("{http://www.w3.org/2000/svg}rect") if r.get("class") == "g"]), 2)
        with open(picture, encoding="utf-8") as f:
            self.assertNotRegex(f.read(), re.compile(r"<script|nan|inf\b", re.I))
        self.fails(1, "exists; name another file", "stats", self.tape_again(), "--plot", picture)

    def tape_again(self):
        return self.path("s.tape")

    def test_odd_tapes(self):
        empty = self.make("e.tape", [])
        self.assertEqual(self.json("stats", "--json", empty)["frames"], 0)
        self.out("stats", empty, "--plot", self.path("e.svg"))
        xml.parse(self.path("e.svg"))
        one = self.make("one.tape", ["%d received 1 1 X" % T0])
        self.assertEqual(self.json("stats", "--json", one)["events"][0]["event"], None)
        self.out("stats", one, "--plot", self.path("one.svg"))
        bad = self.many_blocks()
        self.flip(self.segment(bad, 2), 700)
        self.warns(3, "000002", "stats", bad)
        self.fails(2, "give a larger --bucket", "stats", "--bucket", "1us", self.states())
        self.fails(1, "there is no tape", "stats", self.path("none"))
