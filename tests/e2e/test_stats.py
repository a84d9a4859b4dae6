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

class Series(tooltest.Case):
    """evtape stats --series: a field over time, for each source."""

    def lines(self):
        """Source 1 each second for 100 s but not from 40 to 60; source 2 in batches; a feed's price as text."""
        lines = []
        for i in range(100):
            if not 40 <= i < 60:
                lines.append('%d received 1 1 {"event":"state","data":{"source_id":1,"gps":{"speed":%d},"on":%s}}' % (
                    T0 + i * S, i, "true" if i % 2 else "false"))
            if i % 10 == 5:
                lines.append('%d received 1 1 {"event":"state_batch","data":[{"type":"x","state":{"source_id":2,"gps":{"speed":-%d.5}}},'
                             '{"type":"x","state":{"source_id":"1","gps":{"speed":null}}}]}' % (T0 + i * S, i))
        lines.append('%d received 1 1 {"p":"61000.5"}' % (T0 + 99 * S))
        return lines

    def test_json(self):
        tape = self.make("s.tape", self.lines())
        got = self.json("stats", "--series", "gps.speed", "--points", "10", "--json", tape)
        self.assertEqual((got["from_ns"], got["to_ns"], got["buckets"]), (T0, T0 + 99 * S + 1, 10))
        self.assertEqual(got["from"], "2023-11-14T22:13:20.000000000Z")
        one, two, text = got["series"]
        self.assertEqual((one["source"], one["field"], one["label"], one["values"], one["others"]), (1, "gps.speed", None, 80, 0))
        # A step is a little less than ten seconds.
        self.assertEqual((one["count"][4:6], one["min"][4:6], one["max"][4:6], one["last"][4:6]),
                         ([0, 0], [None] * 2, [None] * 2, [None] * 2))
        self.assertEqual(sum(one["count"]), 80)
        for i, n in enumerate(one["count"]):
            at = [t for t in range(100) if not 40 <= t < 60 and min(9, t * S // got["bucket_ns"]) == i]
            self.assertEqual(n, len(at))
            if at:
                self.assertEqual((one["min"][i], one["max"][i], one["last"][i]), (at[0], at[-1], at[-1]))
        self.assertEqual((two["source"], two["values"], min(v for v in two["min"] if v is not None)), (2, 10, -95.5))
        self.assertEqual((text["source"], text["values"], text["others"], text["count"]), ("1", 0, 10, [0] * 10))
        self.assertEqual(text["min"], [None] * 10)

    def test_equals_find(self):
        """A window from the middle; the same values as those that find reports."""
        tape = self.make("s.tape", self.lines())
        window = ("--from", "+15s", "--to", "+72s")
        for field in ("gps.speed", "/data/gps/speed", "on", "p"):
            with self.subTest(field):
                series = self.json("stats", "--series", field, "--points", "7", "--json", *window, tape)["series"]
                hits = self.json_lines("find", "--json", *window, tape, "exists " + field)
                for line in series:
                    mine = [float(h["value"]) for h in hits if h["source"] == line["source"] and h["value"] is not None]
                    self.assertEqual(line["values"], len(mine))
                    self.assertEqual(len(mine) + line["others"], sum(h["source"] == line["source"] for h in hits))
                    if mine:
                        self.assertEqual((min(v for v in line["min"] if v is not None),
                                          max(v for v in line["max"] if v is not None)), (min(mine), max(mine)))
                        self.assertEqual([v for v in line["last"] if v is not None][-1], mine[-1])
                self.assertEqual({h["source"] for h in hits}, {line["source"] for line in series})

    def test_source_and_fields(self):
        tape = self.make("s.tape", self.lines())
        got = self.json("stats", "--series", "gps.speed", "--series", "on", "--source", "1", "--points", "1", "--json", tape)["series"]
        self.assertEqual([(x["source"], x["field"], x["min"], x["max"]) for x in got],
                         [(1, "gps.speed", [0], [99]), (1, "on", [0], [1])])

    def test_csv(self):
        tape = self.make("s.tape", self.lines())
        rows = self.out("stats", "--series", "gps.speed", "--source", "2", "--points", "20", "--csv", tape).decode().split("\r\n")
        self.assertEqual((rows[0], len(rows), rows[-1]), ("time,source,label,field,values,min,max,last", 22, ""))
        self.assertEqual(rows[1].split(",", 1), ["2023-11-14T22:13:20.000000000Z", "2,,gps.speed,0,,,"])
        self.assertRegex(rows[2], r"^2023-11-14T22:13:24[.0-9]*Z,2,,gps.speed,1,-5.5,-5.5,-5.5$")

    def test_text(self):
        tape = self.make("s.tape", self.lines())
        got = self.out("stats", "--series", "gps.speed", "--source", "1", "--points", "10", "--to", "+100s", tape).decode()
        self.assertRegex(got, r"(?m)^gps.speed of 1: 80 values, in 10 steps of 10s$")
        self.assertRegex(got, r"(?m)^  2023-11-14T22:13:50.000Z +10 +30 +39 +39$")
        self.assertRegex(got, r"(?m)^  2023-11-14T22:14:00.000Z  no value for 20s$")

    def test_a_part_answers_as_the_whole(self):
        """The states at the start of a part were received before it: they are no values of its window."""
        whole = self.make("s.tape", self.lines())
        part = self.path("part.tape")
        self.out("cut", whole, "-o", part, "--from", "+30s", "--to", "+80s")
        window = ("--from", "2023-11-14T22:13:50Z", "--to", "2023-11-14T22:14:40Z", "--points", "9")
        args = ("stats", "--series", "gps.speed", "--json", *window)
        self.assertEqual(self.json(*args, part), self.json(*args, whole))

    def test_several_tapes(self):
        tapes = [self.make("a.tape", self.lines()), self.make("b.tape", self.lines())]
        got = self.json("stats", "--series", "gps.speed", "--points", "1", "--json", *tapes)["series"]
        self.assertEqual([x["values"] for x in got], [160, 20, 0])

    def test_nothing(self):
        tape = self.make("s.tape", self.lines())
        self.assertEqual(self.warns(0, "no speed in 91 frames of the window", "stats", "--series", "speed", tape), b"")
        self.warns(0, "no number in /event: 90 other values in 91 frames", "stats", "--series", "/event", tape)
        self.warns(0, "no source '3'; nearest of 2: 1, 2", "stats", "--series", "gps.speed", "--source", "3", tape)
        self.warns(0, "no frames found from 2023-11-14T23:13:20.000Z", "stats", "--series", "gps.speed", "--from", "+1h", tape)
        self.assertEqual(self.json("stats", "--series", "p", "--json", "--to", "+1s", tape)["series"], [])

    def test_usage(self):
        tape = self.make("s.tape", self.lines())
        for pattern, args in (
                ("bad field a b: column 3", ("--series", "a b")),
                ("bad field : column 1: a field is missing", ("--series", "")),
                ("points", ("--series", "a", "--points", "0")),
                ("points", ("--series", "a", "--points", "10001")),
                ("points.*series", ("--points", "10")),
                ("exclude", ("--series", "a", "--plot", self.path("x.svg"))),
                ("exclude", ("--series", "a", "--csv", "--json")),
                ("at most 16 fields", [x for i in range(17) for x in ("--series", "f%d" % i)])):
            with self.subTest(args):
                self.fails(2, pattern, "stats", *args, tape)
