"""evtape find: values, and what the frames of a source say over time."""

import csv
import io
import json
import math
import os
import signal
import subprocess
import time

import evtest
import tooltest
from tooltest import S, T0

M = 60 * S
TRACKERS = {"mark": "trackers", "success": True, "list": [
    {"id": 1, "label": "Blue Van", "source": {"id": 10001}}, {"id": 2, "label": "ГРУЗОВИК №2", "source": {"id": 10002}}]}


def at(seconds):
    """The text of a time after T0, as hits have it."""
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(T0 // S + seconds)) + ".000000000Z"


def stamp(seconds, offset=0):
    """The same as the feed writes it, on a clock so many seconds ahead of UTC."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(T0 // S + seconds + offset))


def state(source, seconds, lat=50.0, lng=10.0, speed=40, event="state", own=None, offset=0, **more):
    """A line of mktape: a state frame that was received so many seconds after T0."""
    own = seconds if own is None else own
    data = {"source_id": source, "gps": {"updated": stamp(own, offset), "location": {"lat": lat, "lng": lng}, "speed": speed},
            "last_update": stamp(own, offset), "movement_status": "moving", **more}
    frame = {"type": "event", "event": event, "user_time": stamp(seconds, offset), "data": data}
    return "%d received 1 1 %s" % (T0 + int(seconds * S), json.dumps(frame, ensure_ascii=False))


def batch(seconds, *states):
    frame = {"type": "event", "event": "state_batch", "data": [{"type": "source_state_event", "state": s} for s in states]}
    return "%d received 1 1 %s" % (T0 + seconds * S, json.dumps(frame))


def received(seconds, frame):
    return "%d received 1 1 %s" % (T0 + seconds * S, frame if isinstance(frame, str) else json.dumps(frame))


class Case(tooltest.Case):
    def find(self, tape, expression, *options):
        return self.json_lines("find", "--json", "-q", *options, tape, expression)

    def hits(self, tape, expression, *options):
        """(seconds after T0, source) of each hit."""
        return [((h["time_ns"] - T0) / S, h["source"]) for h in self.find(tape, expression, *options)]


class Values(Case):
    def setUp(self):
        super().setUp()
        self.tape = self.make("v.tape", [
            state(10001, 0, speed=80), state(10002, 1, speed=120),
            batch(2, {"source_id": 10001, "gps": {"speed": 130}, "movement_status": "parked"},
                  {"source_id": 10003, "gps": {"speed": 90.5}}),
            received(3, {"event": "lifecycle", "data": {"source_id": 10001, "lifecycle_event": "block"}}),
            state(10001, 4, speed=131, inputs=[True, False], note=None),
            received(5, "plain text, no JSON"),
            received(6, {"event": "price", "stream": "btc", "p": "61234.5", "big": 9007199254740993})])

    def test_a_dotted_path_finds_a_state_and_each_state_of_a_batch(self):
        found = self.find(self.tape, "gps.speed > 100")
        self.assertEqual([(h["source"], h["value"], h["before"]) for h in found],
                         [(10002, 120, None), (10001, 130, 80), (10001, 131, 130)])
        self.assertEqual([h["event"] for h in found], ["state", "state_batch", "state"])
        self.assertEqual(found[1]["before_time"], at(0))
        self.assertEqual([h["seq"] for h in found], [2, 3, 5])
        self.assertEqual(found[0]["name"], "gps.speed")

    def test_a_pointer_begins_at_the_top(self):
        self.assertEqual(self.hits(self.tape, "/data/gps/speed > 100"), [(1, 10002), (4, 10001)])
        self.assertEqual(self.hits(self.tape, "/data/1/state/gps/speed = 90.5"), [(2, None)])
        self.assertEqual(self.hits(self.tape, '"/stream" = "btc"'), [(6, None)])

    def test_operators(self):
        for expression, n in {
                "gps.speed = 80": 1, "gps.speed == 80": 1, "gps.speed != 80": 4, "gps.speed < 90.5": 1, "gps.speed <= 90.5": 2,
                "gps.speed >= 131": 1, "gps.speed > 8e1": 4, "gps.speed > -1": 5,
                'movement_status = "parked"': 1, 'movement_status ~ "PARK"': 1, 'movement_status != "parked"': 3,
                'movement_status > "n"': 1, "inputs.0 = true": 1, "inputs.1 != true": 1, "note = null": 1, "exists note": 1,
                "exists gps.speed": 5, 'gps.speed = "80"': 0, 'gps.speed != "80"': 5, 'inputs ~ "true,"': 1, 'inputs ~ "true"': 1,
                "p > 61234": 1, "p < 61234.6": 1, "p = 61234.5": 1, "p ~ '234'": 1, "big = 9007199254740993": 1, "big = 9007199254740992": 0,
                "not exists gps.speed and event = 'lifecycle'": 1,
                "gps.speed > 125 and (movement_status = 'parked' or inputs.0 = true)": 2,
                "gps.speed > 125 AND NOT movement_status = 'parked'": 1,
                "source = 10001 and gps.speed > 100": 2, "source = '10001' and gps.speed > 100": 2, "event ~ 'BATCH'": 1, "kind = 'received'": 7,
                "kind = 'mark'": 0, '"gps"."speed" > 125': 2}.items():
            with self.subTest(expression):
                self.assertEqual(len(self.find(self.tape, expression)), n)

    def test_a_filter_leaves_out_the_other_sources_of_a_batch(self):
        self.assertEqual(self.hits(self.tape, "gps.speed > 1", "--source", "10003"), [(2, 10003)])
        self.assertEqual(self.hits(self.tape, "gps.speed > 1", "--event", "state_batch"), [(2, 10001), (2, 10003)])
        self.assertEqual(self.hits(self.tape, "gps.speed > 100", "--from", "+2s", "--to", "+4s"), [(2, 10001)])

    def test_the_value_before_the_window_is_known(self):
        self.assertEqual(self.find(self.tape, "gps.speed > 100", "--from", "+2s")[0]["before"], 80)
        self.assertEqual(self.hits(self.tape, "changed gps.speed", "--from", "+4s"), [(4, 10001)])
        self.assertEqual(self.find(self.tape, "/data/gps/speed > 100", "--from", "+4s")[0]["before"], 80)

    def test_labels(self):
        tape = self.make("l.tape", ["%d mark 9 0 %s" % (T0, json.dumps(TRACKERS)), state(10001, 1), state(10002, 2), state(10003, 3)])
        self.assertEqual(self.hits(tape, 'label ~ "van"'), [(1, 10001)])
        self.assertEqual(self.hits(tape, 'label ~ "грузовик"'), [(2, 10002)])
        self.assertEqual(self.hits(tape, "exists gps and not exists label"), [(3, 10003)])
        self.assertEqual(self.find(tape, "gps.speed > 1")[0]["label"], "Blue Van")
        self.assertRegex(self.out("find", tape, "gps.speed > 1").decode(), r"(?m)^2023-11-14T22:13:21.000Z  10001       Blue Van          gps.speed 40$")

    def test_readings_belong_to_the_sources_of_their_trackers(self):
        readings = {"event": "readings_batch", "data": [{"type": "readings_event", "tracker_id": n, "temperature": 20 + n} for n in (1, 2, 3)]}
        tape = self.make("r.tape", ["%d mark 9 0 %s" % (T0, json.dumps(TRACKERS)), received(1, readings), received(2, readings)])
        self.assertEqual(self.hits(tape, "temperature > 21"), [(1, 10002), (1, None), (2, 10002), (2, None)])
        self.assertEqual(self.hits(tape, 'changed temperature or label ~ "van"'), [(1, 10001), (2, 10001)])

    def test_a_batch_of_a_recording_without_a_profile(self):
        lines = [batch(0, {"source_id": 1, "n": 1}, {"source_id": 2, "n": 5}), state(1, 1, n=6), received(2, {"data": [{"n": 7}]}),
                 received(3, {"data": [7, {"n": 7}]})]
        tape = self.path("raw.tape")
        evtest.run("evtape-record", "-", "-o", tape, "-q", "--profile", "raw", stdin="".join(x.split(" ", 4)[4] + "\n" for x in lines).encode())
        self.assertEqual([(h["source"], h["value"], h["before"]) for h in self.find(tape, "n > 4")], [(2, 5, None), (1, 6, 1)])
        self.assertEqual([h["value"] for h in self.find(tape, "data.0.n > 4")], [7])

    def test_a_source_id_that_is_no_key(self):
        for i, bad in enumerate(("x" * 300, 1.5, None, "\x00", [1])):
            tape = self.make("k%d.tape" % i, [batch(0, {"source_id": bad, "n": 1}, {"source_id": 1, "n": 2}),
                                                          received(1, {"event": "state", "data": {"source_id": bad, "n": 3}})])
            self.assertEqual(len(self.find(tape, "n >= 1 or data.n > 1")), 3, bad)

    def test_nothing_found_says_so(self):
        self.assertEqual(self.warns(0, r"^evtape find: nothing found in 7 frames received from 2023-11-14T22:13:20.000Z to 2023-11-14T22:13:26.000Z\n$",
                                    "find", self.tape, "gps.speed > 500"), b"")
        self.warns(0, r"no frames found", "find", "-q", "--from", "+1h", self.tape, "gps.speed > 500")
        self.warns(0, r"^evtape find: 4 hits in 7 frames received from .* to .*\n$", "find", self.tape, "gps.speed > 80")

    def test_errors_point_at_the_place(self):
        for expression, column, words in [
                ("gps.speed >", 12, "a value is missing"), ("gps.speed", 10, "an operator is missing"), ("gps.speed > fast", 13, '"fast"'),
                ("(a = 1", 1, "not closed"), ("a = 1 b = 2", 7, "expected and, or"), ("a ~ 5", 5, "text in quotes"), ("ä = 1 and", 10, "a test is missing"),
                ("jump > 5", 9, "unit"), ("jump > 5 s", 10, "unit"), ("silent < 5 m", 8, "> or >="), ("a = 'x", 5, "no closing"), ("", 1, "a test is missing")]:
            with self.subTest(expression):
                err = evtest.run("evtape", "find", self.tape, expression, check=2).stderr.decode().splitlines()
                self.assertEqual(len(err), 3, err)
                self.assertRegex(err[0], r"^evtape find: column %d: .*%s" % (column, words))
                self.assertEqual(err[1:], ["  " + expression, "  " + " " * (column - 1) + "^"])
        err = evtest.run("evtape", "find", self.tape, "a = \x1b[1m", check=2).stderr
        self.assertNotIn(b"\x1b", err)

    def test_csv(self):
        rows = list(csv.DictReader(io.StringIO(self.out("find", "--csv", self.tape, "gps.speed > 100").decode(), newline="")))
        self.assertEqual([(r["source"], r["value"], r["before"], r["name"]) for r in rows],
                         [("10002", "120", "", "gps.speed"), ("10001", "130", "80", "gps.speed"), ("10001", "131", "130", "gps.speed")])
        self.assertEqual(rows[1]["before_time"], at(0))

    def test_all_reasons_are_named(self):
        hit = self.find(self.tape, 'gps.speed > 125 and movement_status = "parked"')[0]
        self.assertEqual((hit["name"], hit["value"]), ("gps.speed", 130))
        self.assertEqual([(a["name"], a["value"], a["before"]) for a in hit["also"]], [("movement_status", "parked", "moving")])
        self.assertIsNone(self.find(self.tape, "not exists data and exists p")[0]["before"])

    def test_a_long_value_is_cut(self):
        tape = self.make("long.tape", [received(0, {"event": "state", "data": {"source_id": 1, "x": "y" * 5000}}),
                                       received(1, {"event": "state", "data": {"source_id": 1, "x": "y" * 5001}})])
        hit = self.find(tape, "changed x")[0]
        self.assertRegex(hit["value"], r'^"y{900,1100}\.\.\.$')
        self.assertRegex(hit["before"], r'^"y{900,1100}\.\.\.$')

    def test_text_of_a_feed_cannot_command_a_terminal(self):
        tape = self.make("esc.tape", [received(0, {"event": "state", "data": {"source_id": 1, "x": "a\x1b[2Jb"}})])
        self.assertIn(rb"x a\u001b[2Jb", self.out("find", tape, "exists x"))

    def test_bookmarks_at_the_hits(self):
        tape = self.make("b.tape", [state(1, s, speed=200 if s in (3, 8, 17, 40, 95) else 1) for s in range(100)] +
                         [state(2, 100, speed=201), state(3, 101, speed=201)])

        def marks():
            return [((m["time_ns"] - T0) // S, m["text"]) for m in self.json_lines("mark", "--list", "--json", tape)]
        self.assertIn(b"set 3 bookmarks on ", evtest.run("evtape", "find", "--mark", tape, "gps.speed > 199").stderr)
        self.assertEqual(marks(), [(3, "gps.speed > 199: 1"), (40, "gps.speed > 199: 1"), (95, "gps.speed > 199: several sources")])
        self.out("find", "--mark=fast", "--to", "+10s", tape, "gps.speed > 199")
        self.assertEqual(marks()[3:], [(3, "fast: 1")])
        self.out("find", "--mark", tape, "gps.speed > 500")
        self.assertEqual(len(marks()), 4)

    def test_bookmarks_are_bounded(self):
        tape = self.make("bb.tape", [state(1, s * 11, n=s) for s in range(103)])
        err = evtest.run("evtape", "find", "--mark=x", tape, "n >= 0").stderr.decode()
        self.assertRegex(err, r"set 100 bookmarks on .*\nevtape find: warning: 3 more hits have no bookmark: a search sets 100 at most\n$")
        self.assertEqual(len(self.json_lines("mark", "--list", "--json", tape)), 100)

    def test_a_bookmark_that_cannot_be_set_fails(self):
        tape = self.make("n.tape", [state(1, 0)])
        err = evtest.run("evtape", "find", "--mark=" + "x" * 5000, tape, "gps.speed > 0", check=1)
        self.assertEqual(len(err.stdout.splitlines()), 1)
        self.assertIn(b"4096", err.stderr)

    def test_a_stop_keeps_what_was_found(self):
        tape = self.make("many.tape", ["%d received 1 1 {\"event\":\"state\",\"data\":{\"source_id\":%d,\"n\":%d}}" % (T0 + i * S, i % 50, i)
                                       for i in range(200000)])
        with subprocess.Popen([evtest.program("evtape"), "find", "--json", tape, "n > 0"], bufsize=0, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as p:
            p.stdout.readline()  # it has begun, and waits for its reader
            p.send_signal(signal.SIGINT)
            out, err = p.communicate(timeout=evtest.DEADLINE)
        self.assertEqual(p.returncode, 130)
        lines = out.splitlines()
        self.assertLess(len(lines), 199998)
        json.loads(lines[-1])
        self.assertEqual(err.decode(), "evtape find: stopped; %d hits found so far\n" % (len(lines) + 1))


class OverTime(Case):
    def test_jump(self):
        # A degree of latitude is 111.195 km.
        tape = self.make("j.tape", [state(1, 0, lat=50.0), state(2, 1, lat=10.0), state(1, 10, lat=50.001), state(1, 20, lat=50.01),
                                    batch(30, {"source_id": 1, "gps": {"location": {"lat": 51.01, "lng": 10.0}}}),
                                    received(40, {"event": "state", "data": {"source_id": 1}}), state(1, 50, lat=50.0)])
        found = self.find(tape, "jump > 500 m")
        self.assertEqual([((h["time_ns"] - T0) // S, h["unit"]) for h in found], [(20, "m"), (30, "m"), (50, "m")])
        self.assertAlmostEqual(found[0]["value"], 0.009 * math.pi * 6371008.8 / 180, delta=0.1)
        self.assertEqual(found[0]["before"], {"lat": 50.001, "lng": 10})
        self.assertEqual(found[0]["before_time"], at(10))
        self.assertEqual(self.hits(tape, "jump > 1.5 km"), [(30, 1), (50, 1)])
        self.assertEqual(self.hits(tape, "jump > 500 m", "--from", "+15s", "--to", "+25s"), [(20, 1)])

    def test_implied_speed_is_by_the_receivers_own_times(self):
        # 1.1 km within 100 s on the receiver's clock, but both frames came at once.
        tape = self.make("s.tape", [state(1, 100, lat=50.0, own=0), state(1, 101, lat=50.01, own=100), state(1, 200, lat=50.05, own=110)])
        found = self.find(tape, "implied_speed > 200 km/h")
        self.assertEqual([(h["time_ns"] - T0) // S for h in found], [200])
        self.assertAlmostEqual(found[0]["value"], 0.04 * 111.195 / 10 * 3600, delta=5)
        self.assertEqual(found[0]["unit"], "km/h")
        self.assertEqual(len(self.find(tape, "implied_speed > 10 m/s")), 2)

    def test_silences_within_the_window_and_at_both_ends(self):
        tape = self.make("q.tape", [state(1, 0), state(2, 0), state(3, 0), state(1, 300), state(1, 1200), state(2, 1500), state(1, 1800),
                                    state(2, 1900), state(1, 3600)])
        found = self.find(tape, "silent > 10 m")
        self.assertEqual([((h["time_ns"] - T0) // S, h["source"], h["value"], h.get("open", False)) for h in found],
                         [(1200, 1, 900, False), (2 * 750, 2, 1500, False), (3600, 1, 1800, False), (0, 3, 3600, True), (1900, 2, 1700, True)])
        self.assertEqual(found[0]["before_time"], at(300))
        # The silence began before the window; source 3 says nothing in it.
        found = self.find(tape, "silent > 10m", "--from", "+1000s", "--to", "+1850s")
        self.assertEqual([((h["time_ns"] - T0) // S, h["source"], h["value"], h.get("open", False)) for h in found],
                         [(1200, 1, 900, False), (1500, 2, 1500, False), (1000, 3, 1850, True)])
        self.assertEqual(self.hits(tape, "silent > 10m", "--from", "+1000s", "--to", "+1850s", "--source", "3"), [(1000, 3)])
        self.assertEqual(self.hits(tape, "silent > 28 min"), [(3600, 1), (0, 3), (1900, 2)])
        # A value at the end is the last one.
        self.assertEqual(self.hits(tape, 'silent > 28 m and movement_status = "moving"'), [(3600, 1), (0, 3), (1900, 2)])
        self.assertEqual(self.hits(tape, "silent > 28 m and gps.speed > 50"), [])
        self.assertEqual(self.hits(tape, "source = 3 or silent > 30 m"), [(0, 3), (0, 3)])
        text = self.out("find", tape, "silent > 10 m").decode()
        self.assertIn("2023-11-14T22:13:20.000Z  3           silent 1h00m00s (since 2023-11-14T22:13:20.000Z), until the end\n", text)

    def test_no_silence_after_the_end_of_the_tape(self):
        tape = self.make("e.tape", [state(1, 0), state(2, 3600)])
        self.assertEqual(self.hits(tape, "silent > 10 m"), [(0, 1)])
        self.assertEqual(self.hits(tape, "silent > 10 m", "--from", "+2h"), [])
        self.assertEqual(self.hits(tape, "silent > 10 m", "--from", "+10m", "--to", "+2h"), [(600, 1)])

    def test_a_silence_of_a_feed_without_events(self):
        tape = self.make("raw.tape", [received(s, {"data": {"source_id": 1}}) for s in (0, 1000, 1010)])
        self.assertEqual(self.hits(tape, "silent > 10 m", "--from", "+500s"), [(1000, 1)])

    def test_changed(self):
        tape = self.make("c.tape", [state(1, 0), state(1, 1), state(1, 2, movement_status="parked"), received(3, {"event": "lifecycle", "data": {"source_id": 1}}),
                                    batch(4, {"source_id": 1, "movement_status": "parked"}, {"source_id": 2, "movement_status": "stopped"}),
                                    state(2, 5), state(1, 6, movement_status=None)])
        found = self.find(tape, "changed movement_status")
        self.assertEqual([((h["time_ns"] - T0) // S, h["source"], h["before"], h["value"]) for h in found],
                         [(2, 1, "moving", "parked"), (5, 2, "stopped", "moving"), (6, 1, "parked", None)])
        self.assertEqual(self.hits(tape, 'changed movement_status and movement_status = "parked"'), [(2, 1)])

    def test_stuck_is_reported_once(self):
        moves = [state(1, s * 60, lat=50 + (s >= 50) * 0.01 + s % 2 * 0.00002) for s in range(100)]
        parked = [state(2, s * 60, movement_status="parked") for s in range(60)]
        tape = self.make("k.tape", moves + parked)
        found = self.find(tape, "stuck 30 m")
        self.assertEqual([((h["time_ns"] - T0) // S, h["source"]) for h in found], [(1800, 1), (4800, 1)])
        self.assertEqual((found[0]["value"], found[0]["before_time"]), (1800, at(0)))
        self.assertEqual(self.hits(tape, "stuck > 50 m"), [])

    def test_late_and_out_of_order_with_local_times(self):
        for offset in (0, 5 * 3600, -7 * 3600):
            with self.subTest(offset):
                tape = self.make("late%d.tape" % offset, [state(1, 0, offset=offset), state(1, 100, own=30, offset=offset), state(1, 101, own=101, offset=offset),
                                                          state(1, 110, own=70, offset=offset)])
                found = self.find(tape, "late > 60 s")
                self.assertEqual([((h["time_ns"] - T0) // S, h["value"]) for h in found], [(100, 70)])
                found = self.find(tape, "out_of_order")
                self.assertEqual([((h["time_ns"] - T0) // S, h["value"], h["before"]) for h in found],
                                 [(110, at(70).replace("000000000Z", "000Z"), at(101).replace("000000000Z", "000Z"))])

    def test_duplicate(self):
        tape = self.make("d.tape", [state(1, 0, own=0), state(2, 1, own=0), received(2, {"event": "lifecycle", "data": {"source_id": 1}}), state(1, 3, own=0),
                                    state(1, 4, own=4)])
        found = self.find(tape, "duplicate")
        self.assertEqual([((h["time_ns"] - T0) // S, h["source"], h["before_time"]) for h in found], [(3, 1, at(0))])

    def test_gap(self):
        gap = {"mark": "gap", "frames": 5, "bytes": None, "reason": "queue full", "from": at(1), "to": at(2)}
        tape = self.make("g.tape", [state(1, 0), "%d mark 5 1 %s" % (T0 + 2 * S, json.dumps(gap)), state(1, 3, speed=200)])
        found = self.find(tape, "gap")
        self.assertEqual([((h["time_ns"] - T0) // S, h["source"], h["value"], h["before_time"]) for h in found], [(2, None, "queue full", at(1))])
        self.assertEqual(self.hits(tape, "gap or gps.speed > 100"), [(2, None), (3, 1)])
        self.assertEqual(self.hits(tape, "gap", "--source", "1"), [(2, None)])
        self.assertEqual(self.hits(tape, "not exists gps"), [])
        self.assertEqual(self.hits(tape, "kind = 'mark' and reason ~ 'FULL'"), [(2, None)])

    def test_a_part_answers_as_the_whole(self):
        tape = self.make("w.tape", [state(1, 0, lat=50.0), state(2, 10), state(1, 1000, lat=51.0, speed=99), state(2, 1001)])
        part = self.path("part.tape")
        self.out("cut", "--state", "--from", "+500s", "-o", part, tape)
        for expression in ("jump > 500 m", "silent > 10 m", "changed gps.speed", "gps.speed > 90"):
            with self.subTest(expression):
                def shown(t, *options, what=expression):
                    return [{k: v for k, v in h.items() if k != "seq"} for h in self.find(t, what, *options)]
                self.assertEqual(shown(part), shown(tape, "--from", "+500s"))
                self.assertTrue(shown(part))


if __name__ == "__main__":
    import unittest
    unittest.main()
