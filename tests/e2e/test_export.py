"""evtape export: each form is checked against the frames of the tape, and by readers
that are not ours."""

import csv
import io
import json
import os
import sqlite3
import stat
import subprocess
import sys
import unittest
import xml.etree.ElementTree as xml

import evtest
import tooltest
from tooltest import S, T0

try:
    import geojson
    import gpxpy
except ImportError:
    geojson = gpxpy = None


def state(s, source, lat=None, lng=None, event_s=None, **gps):
    data = {"source_id": source}
    if lat is not None:
        data["gps"] = dict(location={"lat": lat, "lng": lng}, **gps)
    if event_s is not None:
        data["last_update"] = "2018-10-17 12:%02d:%02d" % divmod(event_s, 60)
    return "%d received 1 1 %s" % (T0 + s * S, json.dumps({"event": "state", "data": data}))


class Csv(tooltest.Case):
    def rows(self, *args):
        return list(csv.reader(io.StringIO(self.out("export", "csv", *args).decode(), newline="")))

    def test_columns(self):
        tape = self.make("a.tape", [
            '%d received 1 1 {"event":"state","data":{"source_id":1,"a":"x,\\"y\\"\\nz","b":[1, 2],"c":null,"d":1.50,"e~/":true}}' % T0,
            "%d received 2 3 hex:00ff10" % (T0 + 1), "%d received 1 3 X" % (T0 + 2)])
        self.assertEqual(self.rows(tape, "--fields", "seq,time_ns,time,connection,kind,opcode,event,source", "--fields",
                                   "/data/a,/data/b,/data/c,./d,./e~0~1,/data/b/1,/nothing,payload"), [
            ["seq", "time_ns", "time", "connection", "kind", "opcode", "event", "source", "/data/a", "/data/b", "/data/c",
             "./d", "./e~0~1", "/data/b/1", "/nothing", "payload"],
            ["1", str(T0), "2023-11-14T22:13:20.000000000Z", "1", "received", "text", "state", "1", 'x,"y"\nz', "[1, 2]", "",
             "1.50", "true", "2", "", '{"event":"state","data":{"source_id":1,"a":"x,\\"y\\"\\nz","b":[1, 2],"c":null,'
             '"d":1.50,"e~/":true}}'],
            ["2", str(T0 + 1), "2023-11-14T22:13:20.000000001Z", "3", "received", "binary", "", "", "", "", "", "", "", "",
             "", "AP8Q"],
            ["3", str(T0 + 2), "2023-11-14T22:13:20.000000002Z", "3", "received", "text", "", "", "", "", "", "", "", "",
             "", "X"]])

    def test_no_cell_is_a_formula(self):
        """With --spreadsheet, text that a spreadsheet would compute begins with an
        apostrophe; numbers and all other text stay as they are."""
        texts = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1", "\uff1d1", "\uff20x", '=HYPERLINK("http://x","y")',
                 "=cmd|' /C calc'!A0"]
        plain = ["", " ", "a=1", "1+1", "'=1", "\uff21", "\u00e9=", "{=1}"]
        lines = ["%d received 1 1 %s" % (T0, json.dumps({"event": t, "data": {"source_id": t, "a": t, "n": -1.5, "l": [t]}}))
                 for t in texts + plain]
        tape = self.make("a.tape", [*lines, "%d received 2 3 hex:fb" % T0])
        fields = ("--fields", "source,event,/data/a,/data/n,payload")
        before, after = self.rows(tape, *fields), self.rows(tape, *fields, "--spreadsheet")
        for text, a, b in zip(texts + plain, before[1:], after[1:]):
            want = "'" + text if text in texts else text
            self.assertEqual(a[2:4], [text, "-1.5"])
            self.assertEqual(b[2:4], [want, "-1.5"])
            self.assertEqual(b[:2], [want if v else v for v in a[:2]])
            self.assertEqual(b[4], a[4])
        self.assertEqual((before[-1][4], after[-1][4]), ("+w==", "'+w=="))

    def test_a_batch_is_a_row_for_each_source(self):
        tape = self.make("a.tape", [
            '%d received 1 1 {"data":[{"type":"source_state_event","state":{"source_id":1,"v":10}},'
            '{"source_id":"b\\u00e4","v":20},{"other":1}],"event":"state_batch"}' % T0])
        self.assertEqual(self.rows(tape, "--fields", "source,./v,event"),
                         [["source", "./v", "event"], ["1", "10", "state_batch"], ["b\u00e4", "20", "state_batch"]])

    def test_defaults_filters_and_cat(self):
        tape = self.make("a.tape", [state(0, 1, 1.25, -2.5, speed=30, heading=90), state(1, 2)])
        self.assertEqual(self.rows(tape, "--source", "1")[1],
                         ["2023-11-14T22:13:20.000000000Z", "1", "state", "1.25", "-2.5", "30", "90", "", ""])
        self.assertEqual(self.out("cat", "-f", "csv", "--fields", "seq", tape), b"seq\r\n1\r\n2\r\n")
        self.assertEqual(self.out("cat", "-f", "csv", tape), self.out("export", "csv", tape))
        self.fails(2, "unknown column 'speed'", "export", "csv", "--fields", "speed", tape)
        self.fails(2, "write ~0 for ~", "export", "csv", "--fields", "/a~b", tape)
        self.fails(2, "give --format csv", "cat", "--fields", "seq", tape)


class Envelopes(tooltest.Case):
    def test_as_cat(self):
        tape = self.states()
        self.assertEqual(self.out("export", "envelopes", tape), self.out("cat", tape))


class Tracks(tooltest.Case):
    def setUp(self):
        super().setUp()
        self.tape = self.make("t.tape", [
            state(0, 1, 10, 20, 0, speed=36, heading=90, alt=5), state(1, "a<b>&\"", 1, 2, 1),
            state(2, 1, 10.5, 20.5, 60), state(3, 1, 10.5, 20.5, 60), state(4, 1),
            state(5, 1, 11, 21, 1000), state(6, 1, 91, 0, 1001), state(7, 1, 12, 22, 1060)])

    def test_geojson(self):
        got = self.json("export", "geojson", self.tape)
        self.assertEqual([(f["properties"]["source_id"], f["geometry"]["type"]) for f in got["features"]],
                         [(1, "LineString"), (1, "LineString"), ('a<b>&"', "Point")])
        one = got["features"][0]
        self.assertEqual(one["geometry"]["coordinates"], [[20, 10, 5], [20.5, 10.5]])
        self.assertEqual(one["properties"], {"source_id": 1, "start": "2018-10-17T12:00:00Z", "end": "2018-10-17T12:01:00Z",
                                             "coordTimes": ["2018-10-17T12:00:00Z", "2018-10-17T12:01:00Z"]})
        self.assertEqual(len(self.json("export", "geojson", "--split", "1h", self.tape)["features"]), 2)
        received = self.json("export", "geojson", "--receive-time", self.tape)["features"]
        self.assertEqual(received[0]["properties"]["coordTimes"][1], "2023-11-14T22:13:22Z")
        self.assertEqual(len(received[0]["properties"]["coordTimes"]), 5)

    def test_points_by_cat(self):
        got = self.json_lines("cat", "-f", "geojson", self.tape)
        self.assertEqual(len(got), 6)
        self.assertEqual(got[0]["geometry"], {"type": "Point", "coordinates": [20, 10, 5]})
        self.assertEqual(got[0]["properties"], {"source_id": 1, "event": "state", "speed": 36, "heading": 90,
                                                "received": "2023-11-14T22:13:20.000000000Z",
                                                "time": "2018-10-17T12:00:00Z"})

    def test_gpx(self):
        root = xml.fromstring(self.out("export", "gpx", self.tape))
        ns = {"g": "http://www.topografix.com/GPX/1/1", "t": "http://www.garmin.com/xmlschemas/TrackPointExtension/v2"}
        self.assertEqual([t.findtext("g:name", None, ns) for t in root.findall("g:trk", ns)], ["1", 'a<b>&"'])
        self.assertEqual([len(s) for s in root.findall("g:trk/g:trkseg", ns)], [2, 2, 1])
        point = root.find(".//g:trkpt", ns)
        self.assertEqual((point.get("lat"), point.get("lon"), point.findtext("g:ele", None, ns),
                          point.findtext("g:time", None, ns)), ("10", "20", "5", "2018-10-17T12:00:00Z"))
        self.assertEqual((point.findtext(".//t:speed", None, ns), point.findtext(".//t:course", None, ns)), ("10", "90"))

    def test_kml(self):
        root = xml.fromstring(self.out("export", "kml", self.tape))
        ns = {"k": "http://www.opengis.net/kml/2.2", "gx": "http://www.google.com/kml/ext/2.2"}
        self.assertEqual([p.findtext("k:name", None, ns) for p in root.iter("{%s}Placemark" % ns["k"])], ["1", 'a<b>&"'])
        tracks = root.findall(".//gx:Track", ns)
        self.assertEqual([len(t.findall("k:when", ns)) for t in tracks], [2, 2, 1])
        self.assertEqual([len(t.findall("gx:coord", ns)) for t in tracks], [2, 2, 1])
        self.assertEqual(tracks[0].findtext("gx:coord", None, ns), "20 10 5")

    @unittest.skipIf(gpxpy is None, "python3-gpxpy and python3-geojson are not installed")
    def test_other_readers(self):
        gpx = gpxpy.parse(self.out("export", "gpx", self.tape).decode())
        self.assertEqual([len(s.points) for t in gpx.tracks for s in t.segments], [2, 2, 1])
        collection = geojson.loads(self.out("export", "geojson", self.tape))
        self.assertEqual(collection.errors(), [])
        self.assertEqual(len(collection["features"]), 3)

    def test_to_the_byte(self):
        tape = self.make("x.tape", [state(0, "\"q\" <&>", 1.5, -2, 0, alt=7, speed=18, heading=270), state(1, "\"q\" <&>", 1.25, -2.5, 2)])
        self.assertEqual(self.out("export", "geojson", tape).decode(), (
            '{"type":"FeatureCollection","features":[\n{"type":"Feature","geometry":{"type":"LineString","coordinates":'
            '[[-2,1.5,7],[-2.5,1.25]]},"properties":{"source_id":"\\"q\\" <&>","start":"2018-10-17T12:00:00Z",'
            '"end":"2018-10-17T12:00:02Z","coordTimes":["2018-10-17T12:00:00Z","2018-10-17T12:00:02Z"]}}\n]}\n'))
        gpx = self.out("export", "gpx", tape).decode()
        self.assertEqual(gpx[gpx.index("<trk>"):], (
            "<trk><name>&quot;q&quot; &lt;&amp;&gt;</name>\n<trkseg>\n"
            '<trkpt lat="1.5" lon="-2"><ele>7</ele><time>2018-10-17T12:00:00Z</time><extensions><t:TrackPointExtension>'
            "<t:speed>5</t:speed><t:course>270</t:course></t:TrackPointExtension></extensions></trkpt>\n"
            '<trkpt lat="1.25" lon="-2.5"><time>2018-10-17T12:00:02Z</time></trkpt>\n</trkseg>\n</trk>\n</gpx>\n'))
        kml = self.out("export", "kml", tape).decode()
        self.assertEqual(kml[kml.index("<Placemark>"):], (
            "<Placemark><name>&quot;q&quot; &lt;&amp;&gt;</name><gx:MultiTrack>\n<gx:Track>\n"
            "<when>2018-10-17T12:00:00Z</when>\n<when>2018-10-17T12:00:02Z</when>\n"
            "<gx:coord>-2 1.5 7</gx:coord>\n<gx:coord>-2.5 1.25 0</gx:coord>\n"
            "</gx:Track>\n</gx:MultiTrack></Placemark>\n</Document></kml>\n"))

    def lines(self, states, *args):
        """The number of points of each line, and the report of --verbose."""
        tape = self.make("l%d.tape" % len(os.listdir(self.dir)), states)
        done = evtest.run("evtape", "export", "geojson", "-v", tape, *args)
        features = json.loads(done.stdout)["features"]
        return [len(f["properties"]["coordTimes"]) for f in features], done.stderr.decode()

    def test_where_lines_end(self):
        at = [0, 300, 600, 901, 902, 1300]  # 5m is no silence, 5m1s is
        self.assertEqual(self.lines([state(i, 1, i, i, s) for i, s in enumerate(at)])[0], [3, 2, 1])
        self.assertEqual(self.lines([state(i, 1, i, i, s) for i, s in enumerate(at)], "--split", "1h")[0], [6])
        self.assertEqual(self.lines([state(0, 1, 0, 179), state(1, 1, 0, -179), state(2, 1, 0, -178)])[0], [2, 3])

    def test_batches_and_repeats(self):
        def item(source, lat, at):
            return {"state": {"source_id": source, "gps": {"location": {"lat": lat, "lng": 0}}, "last_update": "2018-10-17 12:00:%02d" % at}}
        batches = ["%d received 1 1 %s" % (T0 + i * S, json.dumps({"event": "state_batch", "data": [
            item(1, i, i), item(2, 5, 0), item(3, i // 2, i // 2)]})) for i in range(6)]
        counts, words = self.lines(batches)
        self.assertEqual(counts, [6, 1, 3])
        self.assertEqual(words.splitlines()[-1], "evtape export geojson: 10 points of 3 sources; left out: 8 that repeat the one before")
        self.assertEqual(self.lines(batches, "--receive-time")[0], [6, 6, 6])

    def test_xml_that_any_reader_takes(self):
        """No exponents (xsd:decimal), no longitude of 180, no characters that
        XML cannot hold."""
        tape = self.make("x.tape", [state(0, "a\ufffe\uffff\u0001\x7f\U0001f680", 1e-7, -2e-12, alt=1e9), state(1, 7, 90, 180)])
        gpx = xml.fromstring(self.out("export", "gpx", tape))
        points = [(p.get("lat"), p.get("lon")) for p in gpx.iter("{http://www.topografix.com/GPX/1/1}trkpt")]
        self.assertEqual(points, [("0.0000001", "-0.000000000002"), ("90", "-180")])
        self.assertEqual(gpx[0][0].text, "a\ufffd\ufffd\ufffd\x7f\U0001f680")
        kml = xml.fromstring(self.out("export", "kml", tape))
        self.assertEqual(next(kml.iter("{http://www.google.com/kml/ext/2.2}coord")).text, "-0.000000000002 0.0000001 1000000000")

    def test_memory_is_bounded(self):
        tape = self.path("big.tape")
        frames = evtest.run("evtape-sim", "--generate", 100000, "--sources", 5).stdout
        evtest.run("evtape-record", "-", "-o", tape, "-q", stdin=frames)
        for form in ("geojson", "gpx", "kml"):
            # Through a small process: a child begins with the memory of its parent.
            used = subprocess.run([sys.executable, "-c", "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True);"
                                   "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)", evtest.program("evtape"),
                                   "export", form, "--receive-time", tape, "-o", self.path(form)], stdout=subprocess.PIPE, check=True)
            if "san" not in os.path.basename(evtest.BUILD):
                self.assertLess(int(used.stdout), 64 << 10)
        with open(self.path("geojson"), "rb") as f:
            counts = [len(x["properties"]["coordTimes"]) for x in json.load(f)["features"]]
        self.assertLessEqual(max(counts), 20000)
        self.assertGreater(sum(counts), 50000)

    def test_a_day_of_buses(self):
        """The trace, played by the simulator and recorded: each position that
        a bus reports is a point of its line."""
        trace = evtest.data("austin-buses", "2017-03-21.csv")
        ready, tape = self.path("ready"), self.path("b.tape")
        sim = self.start("evtape-sim", "--ready-file", ready, "--trace", trace, "--speed", "max", "--once")
        self.wait_until("the simulator's URL", lambda: os.path.exists(ready))
        with open(ready, encoding="ascii") as f:
            url = f.read().strip() + "/event/subscription"
        recorder = self.start("evtape-record", url, "-o", tape, "--events", "state", "--trackers", ",".join(map(str, range(1, 330))),
                              "--json", env=dict(os.environ, EVTAPE_CREDENTIAL="0123456789abcdef0123456789abcdef"))
        sim.finish(timeout=120)
        recorder.finish(evtest.SIGTERM, check=None)
        fixes, at = {}, {}
        for f in evtest.frames(tape, "--event", "state"):
            data = f["payload"]["data"]
            place = data["gps"]["location"]
            fix = (place["lng"], place["lat"], data["last_update"])
            if at.get(data["source_id"]) != fix:
                fixes.setdefault(data["source_id"], []).append(fix[:2])
            at[data["source_id"]] = fix
        got = {}
        for f in self.json("export", "geojson", "--split", "1d", tape)["features"]:
            g = f["geometry"]
            got.setdefault(f["properties"]["source_id"], []).extend(
                tuple(p[:2]) for p in (g["coordinates"] if g["type"] == "LineString" else [g["coordinates"]]))
        self.assertEqual(len(got), 329)
        self.assertGreater(sum(map(len, got.values())), 40000)
        self.assertEqual(got, fixes)
        root = xml.fromstring(self.out("export", "gpx", tape))
        self.assertEqual(len(list(root.iter("{http://www.topografix.com/GPX/1/1}trkpt"))), sum(map(len, got.values())))

    def test_empty(self):
        tape = self.make("e.tape", ["%d received 1 1 X" % T0])
        self.assertEqual(self.json("export", "geojson", tape)["features"], [])
        xml.fromstring(self.out("export", "gpx", tape))
        xml.fromstring(self.out("export", "kml", tape))


class Sqlite(tooltest.Case):
    def test_rows(self):
        tape = self.make("s.tape", [
            '%d/%d received 1 2 {"event":"state","data":{"source_id":7,"v":1.5,"on":true,"s":"\\u00e4","l":[1, 2]}}' % (T0, T0 + 5),
            '%d received 1 1 {"event":"state_batch","data":[{"source_id":7},{"source_id":"a"}]}' % (T0 + S),
            "%d received 2 1 hex:00ff" % (T0 + 2 * S), '%d mark 5 1 {"mark":"gap"}' % (T0 + 3 * S)])
        path = self.path("out.db")
        self.out("export", "sqlite", tape, tape, "-o", path, "--column", "/data/v,/data/on,/data/s,/data/l,./nothing")
        with sqlite3.connect(path) as db:
            rows = db.execute("SELECT * FROM frames WHERE tape = 0 ORDER BY seq").fetchall()
            self.assertEqual(rows[0], (0, 1, "2023-11-14T22:13:20.000000000Z", T0, T0 + 5, 2, "received", "text", "state",
                                       '{"event":"state","data":{"source_id":7,"v":1.5,"on":true,"s":"\\u00e4","l":[1, 2]}}',
                                       1.5, 1, "\u00e4", "[1, 2]", None))
            self.assertEqual([r[6:10] for r in rows[2:]], [("received", "binary", None, b"\0\xff"),
                                                           ("mark", "gap", None, '{"mark":"gap"}')])
            self.assertEqual(db.execute("SELECT seq FROM frame_sources WHERE source_id = 7 AND tape = 1").fetchall(),
                             [(1,), (2,)])
            self.assertEqual(db.execute("SELECT count(*) FROM frames").fetchone(), (8,))
            self.assertEqual(db.execute("PRAGMA integrity_check").fetchone(), ("ok",))
        self.fails(1, "exists; name another file", "export", "sqlite", tape, "-o", path)
        self.out("export", "sqlite", tape, "-o", path, "--force")
        self.fails(2, "name the database", "export", "sqlite", tape)
        self.fails(2, "unknown column", "export", "sqlite", tape, "-o", self.path("x.db"), "--column", "v")
        self.fails(1, "there is no folder", "export", "sqlite", tape, "-o", self.path("no/where.db"))
        self.nothing_left("x.db")

    def test_a_full_disk(self):
        done = self.run_limited(8, "evtape", "export", "sqlite", self.many_blocks(), "-o", self.path("x.db"))
        self.assertRegex(done.stderr, rb"^evtape export sqlite: cannot write the database: [^\n]+\n$")
        self.nothing_left("x.db")


class Files(tooltest.Case):
    def test_nothing_half_is_left(self):
        tape = self.many_blocks()
        for form in ("lines", "envelopes", "csv"):
            done = self.run_limited(1, "evtape", "export", form, tape, "-o", self.path("out"))
            self.assertRegex(done.stderr, rb"^evtape export \w+: cannot write .*out: File too large\n$")
            self.nothing_left("out")
        tracks = self.make("t.tape", [state(i, 1, i % 90, 2) for i in range(400)])
        for form in ("geojson", "gpx", "kml"):
            done = self.run_limited(1, "evtape", "export", form, tracks, "-o", self.path("out"))
            self.assertRegex(done.stderr, rb"^evtape export \w+: cannot write .*out: File too large\n$")
            self.nothing_left("out")
        self.fails(1, "there is no folder", "export", "csv", tape, "-o", self.path("no/where"))

    def test_full_stdout(self):
        with open("/dev/full", "wb") as full:
            done = subprocess.run([evtest.program("evtape"), "export", "lines", self.many_blocks()], stdout=full,
                                  stderr=subprocess.PIPE, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, rb"^evtape export lines: cannot write to stdout: No space left on device\n$")

    def test_devices_pipes_links_and_folders(self):
        """What is no file is written to and stays what it is, also with --force; of a
        link, the file is replaced and not the link."""
        tape = self.make("a.tape", [state(i, 1, i, 2) for i in range(3)])
        special = [self.path("pipe")]
        os.mkfifo(special[0])
        if os.geteuid() == 0:
            special.append(self.path("null"))
            os.mknod(special[1], 0o666 | stat.S_IFCHR, os.makedev(1, 3))
        for form in ("lines", "csv", "gpx", "mcap", "sqlite"):
            for path in special:
                reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
                before = os.lstat(path)
                for force in ([], ["--force"]):
                    if form == "sqlite":
                        self.fails(1, "is a device or a pipe; a database needs a file", "export", form, tape, "-o", path, *force)
                        continue
                    evtest.run("evtape", "export", form, tape, "-o", path, *force)
                    self.assertEqual(os.read(reader, 1 << 20) == b"", path != special[0])
                os.close(reader)
                self.assertEqual((os.lstat(path).st_ino, os.lstat(path).st_mode), (before.st_ino, before.st_mode))
            target, link = self.path("target"), self.path("link")
            with open(target, "wb") as f:
                f.write(b"old")
            if not os.path.islink(link):
                os.symlink("target", link)
            self.fails(1, "exists", "export", form, tape, "-o", link)
            evtest.run("evtape", "export", form, tape, "-o", link, "--force")
            self.assertTrue(os.path.islink(link))
            self.assertGreater(os.path.getsize(target), 3)
            self.fails(1, "is a folder; name a file", "export", form, tape, "-o", self.path("."), "--force")
        self.nothing_left("out")

    def test_a_damaged_tape(self):
        tape = self.many_blocks()
        self.flip(self.segment(tape, 2), 700)
        self.assertLess(len(self.warns(3, "000002", "export", "lines", tape).splitlines()), 400)
