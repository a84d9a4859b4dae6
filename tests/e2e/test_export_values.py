"""evtape export with any values: frames at random, with numbers at the ends of what
they may be and beyond, texts of all kinds, and places around the 180th meridian. The
files are judged by schemas (written here from the formats' descriptions), by xmllint,
and by readers that are not ours."""

import csv
import io
import json
import os
import random
import subprocess
import unittest
import xml.etree.ElementTree as xml

import evtest
import npm
import tooltest
from tooltest import S, T0

SCHEMAS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "schemas")
GPX = "{http://www.topografix.com/GPX/1/1}"
KML = "{http://www.opengis.net/kml/2.2}"
GX = "{http://www.google.com/kml/ext/2.2}"

NUMBERS = ["0", "-0", "0.0", "1", "-1", "359.9999999", "360", "360.0000001", "361", "-0.0001", "1e-300", "-1e-300", "5e-324", "1e300",
           "-1e300", "1e400", "-1e400", "1e20", "123456789012345678901234567890", "0.1", "1E2", "null", "true", '"7"', '"NaN"', "[]",
           "{}", "3.141592653589793"]
LATS = ["0", "-0", "90", "-90", "90.0000001", "-91", "45.123456789012345", "1e-9", "-1e-12", "null", '"1"', "1e400"]
LNGS = ["0", "180", "-180", "179.9999999999999", "-179.9999999999999", "180.0000001", "-181", "179", "-179", "1e-9", "null", "[1]"]
TEXTS = ["7", "a b", "<&>\"'", "]]>", "\u0001\u001b[31m", "\t\r\n", "\ufffe\uffff", "\U0001f68c\u00e9", "\ud800", "x\udc00y", "=1+1",
         "a,b;\"c\"", "\u0085\u2028\u202e", "\u0000", "z" * 200, "\u00e9" * 100, ""]


def member(rng, name, values, odds=0.8):
    return ['"%s":%s' % (name, rng.choice(values))] if rng.random() < odds else []


def payload(rng):
    """A state with values at random; now and then a batch, or what is neither."""
    if rng.random() < 0.05:
        return rng.choice(["X", '{"event":"state"}', '{"event":"state","data":[]}', '{"event":"state","data":null}', "[]", "1"])
    near = ["%.12g" % rng.uniform(-90, 90)], ["%.12g" % (rng.choice((-1, 1)) * rng.uniform(170, 180))]
    location = member(rng, "lat", LATS if rng.random() < 0.3 else near[0], 0.97) + \
        member(rng, "lng", LNGS if rng.random() < 0.3 else near[1], 0.97)
    gps = ['"location":{%s}' % ",".join(location)] if rng.random() < 0.95 else member(rng, "location", NUMBERS)
    for name in "alt", "speed", "heading":
        gps += member(rng, name, NUMBERS if rng.random() < 0.6 else ["12.5"])
    at = rng.randrange(600)
    times = ['"2018-10-17 12:%02d:%02d"' % divmod(at, 60)] * 6 + ['"0001-01-01 00:00:00"', '"9999-12-31 23:59:59"', "null", "1", '"x"']
    state = ['"source_id":%s' % (rng.choice(["1", "2", "-9223372036854775808", "1e5", "98765432109876543210"]) if rng.random() < 0.4 else
                                 json.dumps(rng.choice(TEXTS))), '"gps":{%s}' % ",".join(gps)]
    state = "{%s}" % ",".join(state + member(rng, "last_update", times))
    return '{"event":"state","data":%s}' % state if rng.random() < 0.8 else '{"event":"state_batch","data":[%s,{"state":%s}]}' % (state, state)


def tape_lines(seed, n=250):
    rng = random.Random(seed)
    # The lines of mktape end at a line feed; the texts of JSON have none.
    return ["%d received 1 1 %s" % (T0 + i * rng.randrange(1, S), payload(rng)) for i in range(n)]


def moment(time):
    """What to sort times by: some have milliseconds."""
    return time.rstrip("Z")


def finite(value):
    raise AssertionError("%s is no number of JSON" % value)


class AnyValue(tooltest.Case):
    SEEDS = range(6)

    def tapes(self):
        for seed in self.SEEDS:
            yield seed, self.make("t%d.tape" % seed, tape_lines(seed))

    def lint(self, schema, text):
        path = self.path("lint.xml")
        with open(path, "wb") as f:
            f.write(text)
        done = subprocess.run(["xmllint", "--noout", "--nonet", "--schema", os.path.join(SCHEMAS, schema), path], check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.assertEqual(done.returncode, 0, done.stdout.decode(errors="replace")[:2000])

    def test_the_schemas_judge(self):
        """A schema that accepts everything would find nothing."""
        tape = self.make("s.tape", tape_lines(1, 40))
        gpx, kml = self.out("export", "gpx", tape), self.out("export", "kml", tape)
        for schema, text, old, new in (
                ("gpx.xsd", gpx, b"<time>", b"<time>x"), ("gpx.xsd", gpx, b'lon="', b'lon="180" x="'), ("gpx.xsd", gpx, b"<trkseg>", b"<x>"),
                ("gpx.xsd", gpx, b"<t:course>", b"<t:course>9"), ("gpx.xsd", gpx, b'lat="', b'lat="1e'),
                ("kml.xsd", kml, b"<when>", b"<when>x"), ("kml.xsd", kml, b"<gx:coord>", b"<gx:coord>9999")):
            self.assertIn(old, text)
            with self.subTest(schema=schema, new=new), self.assertRaises(AssertionError):
                self.lint(schema, text.replace(old, new, 1))

    def test_gpx(self):
        for seed, tape in self.tapes():
            for more in (), ("--receive-time",), ("--skip-zero",):
                text = self.out("export", "gpx", *more, tape)
                with self.subTest(seed=seed, more=more):
                    self.lint("gpx.xsd", text)
                    for segment in xml.fromstring(text).iter(GPX + "trkseg"):
                        times = [t.text for t in segment.iter(GPX + "time")]
                        self.assertEqual(times, sorted(times, key=moment))
                        lngs = [float(p.get("lon")) for p in segment.iter(GPX + "trkpt")]
                        self.assertLessEqual(max((abs(a - b) for a, b in zip(lngs, lngs[1:])), default=0), 180)

    def test_kml(self):
        for seed, tape in self.tapes():
            text = self.out("export", "kml", tape)
            with self.subTest(seed=seed):
                self.lint("kml.xsd", text)
                for track in xml.fromstring(text).iter(GX + "Track"):
                    times = [t.text for t in track.iter(KML + "when")]
                    self.assertEqual(times, sorted(times, key=moment))
                    self.assertEqual(len(times), len(track.findall(GX + "coord")))

    def check_geojson(self, got):
        """RFC 7946."""
        self.assertEqual(set(got), {"type", "features"})
        self.assertEqual(got["type"], "FeatureCollection")
        for f in got["features"]:
            self.assertEqual((set(f), f["type"]), ({"type", "geometry", "properties"}, "Feature"))
            g, p = f["geometry"], f["properties"]
            self.assertEqual(set(g), {"type", "coordinates"})
            line = g["coordinates"] if g["type"] == "LineString" else [g["coordinates"]]
            self.assertEqual(len(line) > 1, g["type"] == "LineString")
            for place in line:
                self.assertIn(len(place), (2, 3))
                self.assertTrue(-180 <= place[0] <= 180 and -90 <= place[1] <= 90, place)
            for a, b in zip(line, line[1:]):
                self.assertLessEqual(abs(a[0] - b[0]), 180)
            self.assertEqual(len(p["coordTimes"]), len(line))
            self.assertEqual((p["start"], p["end"]), (p["coordTimes"][0], p["coordTimes"][-1]))
            self.assertEqual(p["coordTimes"], sorted(p["coordTimes"], key=moment))

    def test_geojson(self):
        for seed, tape in self.tapes():
            text = self.out("export", "geojson", tape)
            with self.subTest(seed=seed):
                self.check_geojson(json.loads(text, parse_constant=finite))
            for line in self.out("cat", "-f", "geojson", tape).splitlines():
                f = json.loads(line, parse_constant=finite)
                self.assertEqual((f["type"], f["geometry"]["type"], len(f["geometry"]["coordinates"]) in (2, 3)), ("Feature", "Point", True))

    def test_geojson_by_another_validator(self):
        env = npm.need("@placemarkio/check-geojson@0.1.14")
        script = ("const {check} = require('@placemarkio/check-geojson');"
                  "try { check(require('fs').readFileSync(0, 'utf8')); } catch (e) { console.log(JSON.stringify(e.issues ?? e.message)); }")
        for seed, tape in self.tapes():
            done = subprocess.run(["node", "-e", script], input=self.out("export", "geojson", tape), stdout=subprocess.PIPE, env=env, check=True)
            with self.subTest(seed=seed):
                self.assertEqual(done.stdout, b"")

    def test_csv(self):
        """Each value is the one of the frame, and each row has all columns."""
        for seed, tape in self.tapes():
            text = self.out("export", "csv", "--fields", "seq,source,payload,./gps/speed", tape).decode("utf-8", "surrogatepass")
            rows = list(csv.reader(io.StringIO(text, newline="")))
            frames = {f["seq"]: f for f in self.json_lines("cat", tape)}
            with self.subTest(seed=seed):
                self.assertEqual({len(r) for r in rows}, {4})
                for seq, _, what, _ in rows[1:]:
                    f = frames[int(seq)]
                    if "payload" in f:
                        self.assertEqual(json.loads(what), f["payload"])
                    else:
                        self.assertEqual(what, f["payload_text"])

    def test_mcap(self):
        """What was written is read again, to the byte."""
        for seed, tape in self.tapes():
            path, again = self.path("%d.mcap" % seed), self.path("again%d.tape" % seed)
            self.out("export", "mcap", tape, "-o", path)
            self.out("import", "mcap", path, "-o", again)
            with self.subTest(seed=seed):
                self.assertEqual(self.out("export", "lines", again), self.out("export", "lines", tape))
                self.assertEqual([(f["time_ns"], f["kind"], f.get("event"), f["sources"]) for f in self.json_lines("cat", again)],
                                 [(f["time_ns"], f["kind"], f.get("event"), f["sources"]) for f in self.json_lines("cat", tape)])


def state(s, lat, lng, at=None, source=1, **gps):
    data = {"source_id": source, "gps": dict(location={"lat": lat, "lng": lng}, **gps)}
    if at is not None:
        data["last_update"] = "2018-10-17 12:%02d:%02d" % divmod(at, 60)
    return "%d received 1 1 %s" % (T0 + s * S, json.dumps({"event": "state", "data": data}))


class Places(tooltest.Case):
    def lines(self, *states):
        tape = self.make("p%d.tape" % len(os.listdir(self.dir)), [state(i, *p) for i, p in enumerate(states)])
        return [f["geometry"]["coordinates"] for f in self.json("export", "geojson", tape)["features"]]

    def test_lines_are_cut_at_the_seam(self):
        """RFC 7946, 3.1.9: with a point on each side."""
        self.assertEqual(self.lines((10, 179), (20, -179)), [[[179, 10], [180, 15]], [[-180, 15], [-179, 20]]])
        self.assertEqual(self.lines((10, -179), (14, 177)), [[[-179, 10], [-180, 11]], [[180, 11], [177, 14]]])
        self.assertEqual(self.lines((0, 179), (0, -179), (0, 179)), [
            [[179, 0], [180, 0]], [[-180, 0], [-179, 0], [-180, 0]], [[180, 0], [179, 0]]])

    def test_a_point_on_the_seam_is_on_the_side_of_its_line(self):
        self.assertEqual(self.lines((1, 179), (2, 180), (3, 178)), [[[179, 1], [180, 2], [178, 3]]])
        self.assertEqual(self.lines((1, 179), (2, -180), (3, 178)), [[[179, 1], [180, 2], [178, 3]]])
        self.assertEqual(self.lines((1, 179), (2, 180), (3, -179)), [[[179, 1], [180, 2]], [[-180, 2], [-179, 3]]])
        self.assertEqual(self.lines((1, 179), (2, -180), (3, -179)), [[[179, 1], [180, 2]], [[-180, 2], [-179, 3]]])
        self.assertEqual(self.lines((1, 180), (2, -179)), [[[-180, 1], [-179, 2]]])
        self.assertEqual(self.lines((1, 180), (2, -180)), [[[180, 1], [180, 2]]])

    def test_times_and_altitudes_at_the_seam(self):
        tape = self.make("s.tape", [state(0, 0, 179, 10, alt=100), state(1, 0, -179, 20, alt=200)])
        one, two = self.json("export", "geojson", tape)["features"]
        self.assertEqual((one["geometry"]["coordinates"][1], two["geometry"]["coordinates"][0]), ([180, 0, 150], [-180, 0, 150]))
        self.assertEqual((one["properties"]["end"], two["properties"]["start"]), ("2018-10-17T12:00:15Z",) * 2)

    def test_gpx_has_no_point_at_180(self):
        tape = self.make("g.tape", [state(i, 1, x) for i, x in enumerate((179, 180, -179))])
        root = xml.fromstring(self.out("export", "gpx", tape))
        self.assertEqual([[p.get("lon") for p in s] for s in root.iter(GPX + "trkseg")], [["179"], ["-180", "-179"]])

    def test_points_are_sorted_by_time(self):
        """A device that was out of reach sends what it kept, later."""
        tape = self.make("o.tape", [state(i, at, 0, at) for i, at in enumerate((1, 5, 6, 2, 3, 5, 4, 7))])
        one, = self.json("export", "geojson", tape)["features"]
        self.assertEqual([p[1] for p in one["geometry"]["coordinates"]], [1, 2, 3, 4, 5, 6, 7])

    def test_bad_places_are_counted(self):
        tape = self.make("b.tape", [state(0, 1, 1), state(1, 91, 0), state(2, None, None), state(3, 0, 0), state(4, 0, 0), state(5, 0, 1)])
        for form in "geojson", "gpx", "kml":
            done = evtest.run("evtape", "export", form, tape)
            words = done.stderr.decode()
            self.assertIn("2 positions were left out", words)
            self.assertIn("2 positions are at 0/0", words)
            self.assertIn("--skip-zero leaves them out", words)
            done = evtest.run("evtape", "export", form, "--skip-zero", "-v", tape)
            self.assertIn("2 positions at 0/0 were left out", done.stderr.decode())
            self.assertIn(": 2 points of 1 source", done.stderr.decode())

    def test_numbers_that_mean_nothing(self):
        tape = self.make("n.tape", [state(i, 1, i, heading=h, speed=v, alt=a) for i, (h, v, a) in enumerate(
            [(-1, -5, 1e20), (361, 1e12, -1e300), (360, 0, 1e9), (359.9999999, 3.6, 0)])])
        points = list(xml.fromstring(self.out("export", "gpx", tape)).iter(GPX + "trkpt"))
        t = "{http://www.garmin.com/xmlschemas/TrackPointExtension/v2}"
        self.assertEqual([[next((x.text for x in p.iter(name)), None) for name in (t + "course", t + "speed", GPX + "ele")] for p in points],
                         [[None, None, None], [None, None, None], ["0", "0", "1000000000"], ["0", "1", "0"]])

    def test_altitude_modes(self):
        def modes(*alts):
            tape = self.make("k%d.tape" % len(os.listdir(self.dir)), [
                state(i, 1, i, **({} if a is None else {"alt": a})) for i, a in enumerate(alts)])
            return [m.text for m in xml.fromstring(self.out("export", "kml", tape)).iter(KML + "altitudeMode")]
        self.assertEqual(modes(5, 7), ["absolute"])
        self.assertEqual(modes(5, None), [])
        self.assertEqual(modes(None, None), [])


if __name__ == "__main__":
    unittest.main()
