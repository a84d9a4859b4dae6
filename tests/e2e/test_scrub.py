"""evtape scrub: nothing that identifies people and places is left, and everything that
a bug report needs is."""

import base64
import csv
import datetime
import json
import math
import os
import random
import re
import subprocess
import urllib.parse

import evtest
import tooltest
from tooltest import S, T0

SEED = b"a seed of more than sixteen bytes"


def distance(a, b):
    """Metres on the sphere between (lat, lng) pairs."""
    (p, q), (r, s) = (map(math.radians, x) for x in (a, b))
    h = math.sin((r - p) / 2) ** 2 + math.cos(p) * math.cos(r) * math.sin((s - q) / 2) ** 2
    return 2 * 6371000 * math.asin(math.sqrt(h))


def bearing(a, b):
    (p, q), (r, s) = (map(math.radians, x) for x in (a, b))
    return math.degrees(math.atan2(math.sin(s - q) * math.cos(r),
                                   math.cos(p) * math.sin(r) - math.sin(p) * math.cos(r) * math.cos(s - q))) % 360


def stamp(text):
    return datetime.datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=datetime.timezone.utc).timestamp()


def shape(value):
    """The kinds of values by place, with the lengths of strings."""
    if isinstance(value, dict):
        return {k: shape(v) for k, v in value.items()}
    if isinstance(value, list):
        return [shape(v) for v in value]
    return type(value).__name__


class Case(tooltest.Case):
    def seed(self, content=SEED, name="seed"):
        return self.write(name, content)

    def scrub(self, tape, *args, name="new.tape", seed=SEED, **options):
        """The frames of the scrubbed tape."""
        new = self.path(name)
        evtest.run("evtape", "scrub", tape, "-o", new, "--seed-file", self.seed(seed), *args, **options)
        return evtest.frames(new)

    def one(self, payload, *args, kind="received", **options):
        """The scrubbed payload of one frame, as text."""
        n = len(os.listdir(self.dir))
        tape = self.make("one%d.tape" % n, ["%d %s 1 1 %s" % (T0, kind, payload)])
        self.scrub(tape, *args, name="one%d.new" % n, **options)
        return self.out("export", "lines", self.path("one%d.new" % n)).decode().rstrip("\n")


class Text(Case):
    def test_harmless_frames_stay_to_the_byte(self):
        for text in ('{ "type" : "event",\t"event":"state" , "n": 1.50e0 ,"ok":true, "x":null,"e":"","l":[ ],"o":{ } }',
                     '[1,-2.0,[3,"parked"],{"movement_status":"moving"}]', "7", '"moving"', " true ", "[]"):
            self.assertEqual(self.one(text), text)

    def test_strings_become_asterisks(self):
        self.assertEqual(self.one('{"label":"Jos\u00e9 \\"J\\" \\u00c1\\n","type":"a b","event":"e_1"}'),
                         '{"label":"***********","type":"***","event":"e_1"}')
        self.assertEqual(self.one('{"event":"of John Smith","data":1}'), '{"event":"*************","data":1}')
        tape = self.make("e.tape", ['%d received 1 1 {"event":"of John","data":{"source_id":1}}' % T0])
        self.assertEqual(self.scrub(tape)[0]["event"], "*******")

    def test_rules(self):
        state = '{"data":{"source_id":5,"a":"xy","b":[1,"z"],"c":{"d":"q"},"last":"w"},"event":"state"}'
        got = json.loads(self.one(state, "--keep", "./a", "--blot", "/data/b", "--keep", "/data/*/d"))
        self.assertEqual((got["data"]["a"], got["data"]["b"], got["data"]["c"]), ("xy", [0, "*"], {"d": "q"}))
        for drop, want in (("a", ["source_id", "b", "c", "last"]), ("source_id", ["a", "b", "c", "last"]),
                           ("last", ["source_id", "a", "b", "c"])):
            got = json.loads(self.one(state, "--drop", "./" + drop))
            self.assertEqual(list(got["data"]), want)
        self.assertEqual(self.one('{"a":1,"b":2}', "--drop", "/a", "--drop", "/b"), "{}")
        self.assertEqual(self.one('{ "a":1 , "b":2 , "c":3 }', "--drop", "/a", "--drop", "/b"), '{ "c":3 }')
        self.assertEqual(self.one("[1,2,3,4]", "--drop", "/0", "--drop", "/2"), "[2,4]")
        self.assertEqual(self.one('{"a/b":1,"c":2}', "--drop", "/a~1b"), '{"c":2}')
        batch = '{"data":[{"state":{"source_id":5,"a":"xy","g":1}},{"source_id":6,"g":2}],"event":"state_batch"}'
        got = json.loads(self.one(batch, "--keep", "./a", "--drop", "./g"))
        self.assertEqual(got["data"][0]["state"]["a"], "xy")
        self.assertNotIn("g", json.dumps(got))

    def test_times(self):
        got = json.loads(self.one('{"user_time":"2018-10-17 12:51:55","a":"2018-10-17T12:51:55-06:00","b":"2018-10-17T12:51:55.250Z",'
                                  '"c":"2018-10-17","d":"2018-10-17 12:51:55x","time":1539780715,"ts":1539780715250,'
                                  '"x_time":1539780715.5,"n":1539780715,"e":"0000-00-00 00:00:00"}'))
        shift = stamp(got["user_time"]) - stamp("2018-10-17 12:51:55")
        self.assertLess(shift, -30 * 86400)
        moved = datetime.datetime.fromtimestamp(1539780715 + shift, datetime.timezone.utc)
        self.assertEqual(got["time"], 1539780715 + shift)
        self.assertEqual(got["ts"], 1539780715250 + shift * 1000)
        self.assertEqual(got["x_time"], 1539780715.5 + shift)
        self.assertEqual(got["n"], 1539780715)
        self.assertEqual(got["a"], (moved + datetime.timedelta(hours=6)).strftime("%Y-%m-%dT%H:%M:%S+00:00"))
        self.assertEqual(got["b"], moved.strftime("%Y-%m-%dT%H:%M:%S.250Z"))
        self.assertRegex(got["c"], r"^20\d\d-\d\d-\d\d$")
        self.assertEqual((got["d"], got["e"]), ("*" * 20, "*" * 19))

    def test_numbers_that_are_the_time_of_receipt(self):
        """Values that read like times within a year (seconds: within a day), under any
        name."""
        near = {"T": T0 // 10**6 + 5, "U": T0 // 10**3 - 7 * 10**12, "N": T0 + 9, "S": T0 // S + 3600, "F": T0 / S + 0.5}
        far = {"T": T0 // 10**6 - 400 * 86400 * 1000, "S": T0 // S - 2 * 86400, "n": 10**12, "m": 9999999999999999999}
        got = json.loads(self.one(json.dumps(near)))
        shift = {(got[k] - near[k]) * by for k, by in (("T", 10**6), ("U", 10**3), ("N", 1), ("S", S))}
        self.assertEqual(len(shift), 1)
        self.assertEqual(got["F"], near["F"] + shift.pop() // S)
        self.assertEqual(json.loads(self.one(json.dumps(far))), far)

    def test_places(self):
        got = json.loads(self.one('{"a":{"lat":10.5,"lng":-20.25},"b":{"latitude":1,"longitude":190.123456789,"course":90.5},'
                                  '"none":{"lat":0,"lng":0.0},"half":{"lat":12.5},"bad":{"lat":91,"lng":5},"text":{"lat":"10.5"},'
                                  '"h":{"heading":45,"alt":12.5}}'))
        self.assertNotEqual(got["a"], {"lat": 10.5, "lng": -20.25})
        self.assertEqual((got["none"], got["half"], got["bad"]), ({"lat": 0, "lng": 0}, {"lat": 0}, {"lat": 0, "lng": 0}))
        self.assertEqual(got["text"], {"lat": "****"})
        self.assertEqual(got["h"]["heading"], 45)
        self.assertRegex(str(got["h"]["alt"]), r"^\d{3,4}\.5$")
        self.assertNotEqual(got["b"]["course"], 90.5)
        text = self.one('{"lat":1.123456789,"lng":2}')
        self.assertRegex(text, r'^\{"lat":-?\d+\.\d{9},"lng":-?\d+\.\d{6}\}$')
        far = json.loads(self.one('{"b":{"latitude":1,"longitude":-169.876543211}}'))["b"]
        self.assertAlmostEqual(far["longitude"], got["b"]["longitude"], 6)

    def test_ids(self):
        got = json.loads(self.one('{"source_id":10001,"tracker_id":"10001","id":0,"trackers":[1,2,10001],"x_id":"abc","deviceId":"abc",'
                                  '"y_id":-10001,"big_id":12345678901234567890123,"imei":"356938035643809","value":{"10001":"normal"},'
                                  '"none_id":null}'))
        new = got["source_id"]
        self.assertRegex(str(new), r"^1\d{6}$")
        self.assertEqual((got["tracker_id"], got["trackers"][2], got["y_id"], list(got["value"])),
                         (str(new), new, -new, [str(new)]))
        self.assertEqual((got["id"], got["none_id"]), (0, None))
        self.assertRegex(got["x_id"], r"^s[a-z2-7]{12}$")
        self.assertEqual(got["x_id"], got["deviceId"])
        self.assertRegex(str(got["big_id"]), r"^\d{19}$")
        self.assertRegex(got["imei"], r"^1\d{15}$")

    def test_ids_are_one_to_one(self):
        ids = [*range(1, 20001), *range(999000, 1001000), *range(10**9, 10**9 + 1000), *range(10**17, 10**17 + 1000)]
        new = json.loads(self.one(json.dumps({"ids": ids})))["ids"]
        self.assertEqual(len(set(new)), len(ids))
        self.assertFalse(set(new) & set(ids[:20000]))
        self.assertTrue(all(len(str(b)) == max(7, len(str(a)) + 1) for a, b in zip(ids, new)))

    def test_on_the_equator(self):
        """A place with one 0 is a place."""
        old = [(0, 30.5), (0, 30.75), (1.5, 0), (0, -0.001)]
        new = [json.loads(self.one('{"lat":%r,"lng":%r}' % p)) for p in old]
        for a, b, c, d in zip(old, old[1:], new, new[1:]):
            self.assertAlmostEqual(distance((c["lat"], c["lng"]), (d["lat"], d["lng"])) / distance(a, b), 1, 4)

    def value(self, r, depth):
        """Some JSON value."""
        names = ["id", "a", "lat", "lng", "heading", "alt", "type", "event", "label", "x_id", "time", "updated", "12", "drop", "q\"\\/~\u00e9"]
        texts = ["", "x", "moving", "a \"b\" \\ \n\u0001", "\U0001f680\ud7ff", "2018-10-17 12:51:55", "2018-10-17T12:51:55+02:00", "77", "d-1"]
        kind = r.randrange(8 if depth < 6 else 6)
        if kind == 6:
            return [self.value(r, depth + 1) for _ in range(r.randrange(5))]
        if kind == 7:
            return {r.choice(names): self.value(r, depth + 1) for _ in range(r.randrange(7))}
        return [None, r.random() < 0.5, r.randrange(-200, 200), r.uniform(-200, 200), 10 ** r.randrange(22), r.choice(texts)][kind]

    def changed(self, a, b):
        """Whether b may be what a becomes with --drop of each "drop"."""
        if isinstance(a, dict):
            names = [k for k in a if k != "drop"]
            return isinstance(b, dict) and len(names) == len(b) and all(
                (k == n or k.isdigit() or not k.isalpha()) and self.changed(a[k], v) for (n, v), k in zip(b.items(), names))
        if isinstance(a, list):
            return isinstance(b, list) and len(a) == len(b) and all(map(self.changed, a, b))
        if isinstance(a, (int, float)) and not isinstance(a, bool):
            return isinstance(b, (int, float)) and not isinstance(b, bool)
        return type(a) is type(b)

    def test_any_json_stays_json(self):
        r = random.Random(1)
        values = [self.value(r, 0) for _ in range(3000)] + [json.loads("[" * 256 + "]" * 256)]
        dumps = [json.dumps(v, ensure_ascii=r.random() < 0.5, indent=r.choice([None, None, 1])).replace("\n", " ") for v in values]
        tape = self.make("any.tape", ["%d received 1 1 %s" % (T0, d) for d in dumps])
        drops = [x for depth in range(7) for x in ("--drop", "/*" * depth + "/drop")]
        new = self.scrub(tape, *drops)
        self.assertEqual(len(new), len(values))
        for a, b in zip(values, new):
            self.assertTrue(self.changed(a, b["payload"]), (a, b["payload"]))

    def test_a_source_in_a_member_with_another_name(self):
        """The profile of the tape has its path."""
        tape = self.path("s.tape")
        evtest.run("evtape-record", "-", "-o", tape, "-q", "--profile", "raw", "--source-path", "/bus", "--source-path", "/list/*",
                   stdin=b'{"bus":8946,"speed":5,"again":"8946"}\n{"bus":"n 17","list":[3]}\n')
        new = [f for f in self.scrub(tape) if f["kind"] == "received"]
        self.assertEqual([f["sources"] for f in new],
                         [[new[0]["payload"]["bus"]], [new[1]["payload"]["bus"], new[1]["payload"]["list"][0]]])
        self.assertNotIn(8946, new[0]["sources"])
        self.assertEqual(new[0]["payload"]["again"], str(new[0]["payload"]["bus"]))
        self.assertEqual(new[0]["payload"]["speed"], 5)


class Tapes(Case):
    def busy(self, name="field.tape"):
        """A tape with every kind of frame."""
        lines = ['%d mark 1 0 {"mark":"started","program":"evtape-record 0.1.0","url":"wss://api.secret-host.example/event?x=1",'
                 '"profile":"navixy","events":["state"]}' % T0,
                 '%d mark 3 1 {"mark":"connected","url":"wss://api.secret-host.example/","peer":"203.0.113.77:443","tls":"TLSv1.3",'
                 '"attempt":1,"after_s":null}' % T0,
                 '%d sent 1 1 {"action":"subscribe","hash":"**","events":["state"],"trackers":[57000007,57000008]}' % T0,
                 '%d received 1 1 {"type":"response","action":"subscription/subscribe","events":["state"],"data":{"state":{"value":'
                 '{"57000007":"normal","57000008":"blocked"},"success":true}}}' % (T0 + 1),
                 "%d received 1 1 X" % (T0 + 2), "%d received 1 1 8a5fb21c-uuid|30000|X|" % (T0 + 3),
                 "%d received 2 1 hex:00c0ffee" % (T0 + 4)]
        for i in range(200):
            lines.append('%d/%d received 1 1 %s' % (T0 + i * S + 17, T0 + i * S + 5, json.dumps(self.state(i))))
        lines += ['%d mark 7 0 {"mark":"note","text":"theft at Calle 5"}' % (T0 + 50 * S),
                  '%d mark 7 0 {"mark":"note","removes":208}' % (T0 + 51 * S),
                  '%d mark 7 0 {"mark":"note","removes":4}' % (T0 + 51 * S),
                  '%d mark 4 1 {"mark":"disconnected","code":1006,"reason":"bye Maria","frames":3}' % (T0 + 300 * S),
                  '%d mark 5 1 {"mark":"gap","frames":3,"bytes":null,"reason":"the queue was full","seconds":1,'
                  '"from":"2023-11-14T22:13:20.000000001Z","to":"2023-11-14T22:13:21.000000002Z"}' % (T0 + 300 * S),
                  '%d mark 2 0 {"mark":"stopped","reason":"signal SIGTERM","frames":200}' % (T0 + 301 * S)]
        return self.make(name, lines)

    def point(self, i):
        return 14.5 + 0.002 * (i // 4) + 0.1 * (i % 4), -90.5 - 0.003 * (i // 4)

    def state(self, i):
        """Four sources drive north-west; every fifth frame is a batch of one."""
        lat, lng = self.point(i)
        source = [710010001, 710010002, "veh-<1>", "710010444"][i % 4]
        at = datetime.datetime(2023, 11, 14, 22, 13, tzinfo=datetime.timezone.utc) + datetime.timedelta(seconds=i)
        data = {"source_id": source, "label": "Camión de María %d" % i, "phone": "+502 5555 1234",
                "gps": {"updated": at.strftime("%Y-%m-%d %H:%M:%S"), "location": {"lat": lat, "lng": lng},
                        "heading": round(bearing((lat, lng), self.point(i + 4))), "speed": 40 + i % 9, "alt": 1500},
                "gsm": {"network_name": "Claro GT", "signal_level": 50}, "movement_status": "moving",
                "last_update": at.strftime("%Y-%m-%dT%H:%M:%S-06:00")}
        if i % 5 == 4:
            return {"event": "state_batch", "data": [{"type": "source_state_event", "state": data}], "type": "event"}
        return {"type": "event", "event": "state", "user_time": at.strftime("%Y-%m-%d %H:%M:%S"), "data": data}

    @staticmethod
    def states(frames):
        for f in frames:
            if f["kind"] == "received" and f.get("event") in ("state", "state_batch"):
                data = f["payload"]["data"]
                yield f, data[0]["state"] if isinstance(data, list) else data

    def test_same_seed_same_tape(self):
        tape = self.busy()

        def but_id(frames):
            return [{k: v for k, v in f.items() if k != "id"} for f in frames]
        a, b = self.scrub(tape, name="a.tape"), self.scrub(tape, name="b.tape")
        self.assertEqual(but_id(a), but_id(b))
        c = self.scrub(tape, name="c.tape", seed=SEED + b".")
        self.assertNotEqual(a[0]["time_ns"], c[0]["time_ns"])
        for (_, x), (_, y) in zip(self.states(a), self.states(c)):
            self.assertNotEqual(x["source_id"], y["source_id"])
            self.assertNotEqual(x["gps"]["location"], y["gps"]["location"])
        times = set()
        for name in ("d.tape", "e.tape"):
            self.out("scrub", tape, "-o", self.path(name))
            times.add(evtest.frames(self.path(name))[0]["time_ns"])
        self.assertEqual(len(times), 2)

    def everything(self, tape):
        """All bytes of a tape: files as they lie, decompressed, its index as
        SQL, its frames."""
        raw = b""
        for at, _, names in os.walk(tape):
            for n in names:
                with open(os.path.join(at, n), "rb") as f:
                    raw += f.read()
        segments = [os.path.join(tape, n) for n in sorted(os.listdir(tape)) if n.endswith(".zst")]
        for argv in (["zstdcat", *segments], ["sqlite3", os.path.join(tape, "tape.db"), ".dump"],
                     [evtest.program("evtape"), "cat", tape], [evtest.program("evtape"), "info", "--json", tape]):
            raw += subprocess.run(argv, stdout=subprocess.PIPE, check=True).stdout
        return raw

    def test_no_trace_is_left(self):
        tape, new = self.busy(), self.path("new.tape")
        self.scrub(tape, "--keep-sent")
        self.out("verify", new)
        secrets = {"710010001", "710010002", "710010444", "veh-<1>", "57000007", "57000008", "Mar\u00eda", "Maria", "Cami",
                   "5555 1234", "Claro", "Calle", "secret-host", "203.0.113", "8a5fb21c", "2023-11-14", "22:13:2", "-06:00",
                   "_ns\":" + str(T0)[:10], "bye", "AMD/7g"}
        for i in range(200):
            secrets.update(repr(x) for x in self.point(i) if len(repr(x)) > 4)
        before, after = self.everything(tape), self.everything(new)
        for secret in secrets:
            forms = (secret.encode(), json.dumps(secret)[1:-1].encode())
            self.assertTrue(any(f in before for f in forms), secret)  # or it is no test
            self.assertFalse(any(f in after for f in forms), secret)
        self.assertNotIn(SEED, after)

    def test_what_must_still_be_right_afterwards(self):
        tape = self.busy()
        old = [f for f in evtest.frames(tape) if f["kind"] != "sent" and f.get("payload") != {"mark": "note", "removes": 4} and
               ("payload" in f or f.get("payload_text") == "X")]
        new = self.scrub(tape)
        self.assertEqual([f["kind"] for f in new], [f["kind"] for f in old])
        shift = new[0]["time_ns"] - old[0]["time_ns"]
        self.assertEqual(shift % S, 0)
        for a, b in zip(old, new):
            self.assertEqual((b["time_ns"] - a["time_ns"], b["mono_ns"] - a["mono_ns"]), (shift, shift))
            self.assertEqual((a.get("event"), a["connection"], len(a["sources"])), (b.get("event"), b["connection"], len(b["sources"])))
            if a["kind"] == "received" and a.get("event"):
                self.assertEqual(shape(a["payload"]), shape(b["payload"]))
        last, ids = {}, {}
        for (fa, a), (fb, b) in zip(self.states(old), self.states(new)):
            self.assertEqual(fb["sources"], [b["source_id"]])
            self.assertEqual(ids.setdefault(a["source_id"], b["source_id"]), b["source_id"])
            self.assertEqual(stamp(b["gps"]["updated"]) - stamp(a["gps"]["updated"]), shift // S)
            if "user_time" in fa["payload"]:
                self.assertEqual(stamp(fb["payload"]["user_time"]) - stamp(fa["payload"]["user_time"]), shift // S)
            self.assertEqual(datetime.datetime.fromisoformat(b["last_update"]).timestamp() -
                             datetime.datetime.fromisoformat(a["last_update"]).timestamp(), shift // S)
            self.assertEqual((a["gps"]["speed"], a["movement_status"]), (b["gps"]["speed"], b["movement_status"]))
            here = [(x["gps"]["location"]["lat"], x["gps"]["location"]["lng"]) for x in (a, b)]
            before = last.get(a["source_id"])
            if before:
                self.assertAlmostEqual(distance(before[0], here[0]) / distance(before[1], here[1]), 1, 2)
                turned = bearing(before[1], here[1]) - before[2]
                self.assertLess(abs((turned + 180) % 360 - 180), 1.5)
            last[a["source_id"]] = (*here, b["gps"]["heading"])
        self.assertEqual(len(set(ids.values())), 4)
        self.assertRegex(ids["veh-<1>"], r"^s[a-z2-7]{12}$")
        self.assertRegex(ids["710010444"], r"^1\d{9}$")
        self.assertEqual(evtest.info(self.path("new.tape"))["index"], "ok")
        self.assertEqual(len(evtest.frames(self.path("new.tape"), "--source", ids[710010001])), 50)

    def test_marks(self):
        marks = {}
        for f in self.scrub(self.busy()):
            if f["kind"] == "mark":
                marks.setdefault(f["mark"], []).append(f["payload"])
        self.assertEqual(marks["started"][0], {"mark": "started", "program": "evtape-record 0.1.0", "url": "*" * 39, "profile": "navixy",
                                               "events": ["state"]})
        self.assertEqual(marks["connected"][0]["peer"], "*" * 16)
        self.assertEqual(marks["connected"][0]["tls"], "TLSv1.3")
        self.assertEqual(marks["disconnected"][0], {"mark": "disconnected", "code": 1006, "reason": "*********", "frames": 3})
        self.assertEqual(marks["gap"][0]["reason"], "the queue was full")
        self.assertRegex(marks["gap"][0]["to"], r"^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.000000002Z$")
        self.assertEqual(marks["stopped"][0]["reason"], "signal SIGTERM")
        self.assertEqual(len(marks["note"]), 2)
        self.assertEqual(marks["note"][0]["text"], "*" * 16)
        removed = [f for f in evtest.frames(self.path("new.tape")) if f["seq"] == marks["note"][1]["removes"]]
        self.assertEqual(removed[0]["payload"], marks["note"][0])

    def test_sent_and_raw(self):
        tape = self.busy()
        new = self.scrub(tape, "--keep-sent", "--keep-raw")
        self.assertEqual(len(new), len(evtest.frames(tape)) - 1)
        sent = [f["payload"] for f in new if f["kind"] == "sent"][0]
        answer = [f["payload"] for f in new if f.get("payload", {}).get("type") == "response"][0]
        self.assertEqual([str(n) for n in sent["trackers"]], list(answer["data"]["state"]["value"]))
        self.assertEqual(list(answer["data"]["state"]["value"].values()), ["normal", "blocked"])
        self.assertIn("AMD/7g==", [f.get("payload_base64") for f in new])

    def test_reports(self):
        tape = self.busy()
        table = self.out("scrub", tape, "-o", self.path("a.tape"), "--drop", "./phone").decode()
        self.assertRegex(table, r"\A209 frames; left out: 1 sent, 2 not JSON\n\nwhat +values +where\n")
        self.assertRegex(table, r"(?m)^id +160  /data/source_id$")
        self.assertRegex(table, r"(?m)^dropped +40  /data/\*/state/phone$")
        self.assertRegex(table, r"(?m)^kept +160  /data/gps/speed$")
        self.assertRegex(table, r"(?m)^id +2  /data/state/value/\*$")
        self.assertRegex(table, r"(?m)^blotted +1  mark:/peer$")
        got = self.json("scrub", tape, "-o", self.path("b.tape"), "--json")
        self.assertEqual((got["frames"], got["left_out"]), (209, {"sent": 1, "not_json": 2}))
        self.assertIn({"action": "blotted", "pointer": "/data/label", "values": 160}, got["values"])

    def test_a_window_and_a_source(self):
        new = self.scrub(self.busy(), "--source", "710010001", "--from", "+10s", "--to", "+100s")
        self.assertEqual(len([f for f in new if f["kind"] == "received"]), 22)

    def test_errors(self):
        tape = self.busy()
        new = self.path("x.tape")
        self.fails(2, "name the tape to make", "scrub", tape)
        self.fails(2, "'label' is not a pointer to a field", "scrub", tape, "-o", new, "--drop", "label")
        self.fails(2, "write ~0 for ~", "scrub", tape, "-o", new, "--blot", "/a~b")
        self.fails(1, "holds fewer than 16 bytes.*head -c 32", "scrub", tape, "-o", new, "--seed-file", self.seed(b"short", "s"))
        self.fails(1, "larger than 1 MiB or endless", "scrub", tape, "-o", new, "--seed-file", "/dev/zero")
        self.fails(1, "cannot open .*nowhere: No such file", "scrub", tape, "-o", new, "--seed-file", self.path("nowhere"))
        self.fails(1, "already exists", "scrub", tape, "-o", tape)
        early = self.make("early.tape", ["%d received 1 1 {}" % -(2**63 - 1)])
        self.fails(1, "too early to be moved", "scrub", early, "-o", new)
        self.nothing_left("x.tape")

    def test_a_damaged_tape(self):
        tape = self.many_blocks()
        self.flip(self.segment(tape, 2), 700)
        self.assertLess(len(self.scrub(tape, check=3)), 400)

    def test_a_full_disk(self):
        limited = self.run_limited(1, "evtape", "scrub", self.many_blocks(), "-o", self.path("x.tape"))
        self.assertEqual(limited.stdout, b"")
        self.assertRegex(limited.stderr, rb"^evtape scrub: [^\n]+\n$")
        self.nothing_left("x.tape")


class Traces(Case):
    """Identifying values in every kind of frame and mark: no trace is left except what
    the report says."""

    URL, PLACE = "wss://api.secret-host.example/e?x=1", "Calle 5 #17"
    TEXTS = ["Jos\u00e9 Mar\u00eda", "Bus 5021", URL, PLACE, "203.0.113.77:443", "maria@secret.example", "a\nb \u001b[31m"]

    def plant(self, r):
        """A random value; every text, id, place and time in it is a trace."""
        at = datetime.datetime(2023, 11, 14, 22, 13, r.randrange(60), tzinfo=datetime.timezone.utc)
        lat, lng = round(r.uniform(-80, 80), 5) + 1e-6, round(r.uniform(-170, 170), 5) + 1e-6
        number, imei = r.randrange(71000000, 71999999), "35693803%07d" % r.randrange(10**7)
        choices = [
            ("label", r.choice(self.TEXTS)), ("type", imei), ("IMEI", imei), ("imei", int(imei)), ("tracker_id", number),
            ("deviceID", "veh-%d" % number), ("Id", str(number)), ("location", {"lat": lat, "lng": lng}),
            ("LAT", lat), ("coordinates", [lng, lat]), ("bbox", [lng, lat, lng, lat]), ("geometry", {"coordinates": [[lng, lat, 5], [lng, lat]]}),
            ("updated", at.strftime("%Y-%m-%d %H:%M:%S")), ("x", at.isoformat()), ("ts", int(at.timestamp())),
            ("n", int(at.timestamp() * 1000)), (imei, 1), (r.choice(self.TEXTS), 1), (at.strftime("%Y-%m-%d"), 2),
            ("veh-<%d>" % number, "normal"), ("bus", 10001000 + r.randrange(5)), ("who", "bus %d" % r.randrange(5)),
            ("bus %d" % r.randrange(5), None), ("event", "of " + self.PLACE), ("phone", "+50255551234"), ("lac", 40000 + r.randrange(9999)),
            ("latitudeE7", int(lat * 10**7))]
        traces = {repr(lat), repr(lng), str(int(lat * 10**7)), str(number), imei, at.strftime("%Y-%m-%d"), at.strftime("%H:%M:%S"),
                  str(int(at.timestamp())), str(int(at.timestamp() * 1000))}
        picked = [r.choice(choices) for _ in range(r.randrange(1, 9))]
        value = {}
        for k, v in picked:
            value[k] = v if r.random() < 0.7 else [v, {k: v}]
        return value, traces

    def frames(self, seed):
        """Lines for mktape, and the traces in them."""
        r = random.Random(seed)
        traces = {"710010001", "7001001", "50255551234", "10001000", "10001004", "bus 0", "Van", *self.TEXTS}
        marks = ["", "started", "stopped", "connected", "disconnected", "gap", "clock", "note", "state", "trackers", "trigger", "armed",
                 "of a later version"]
        tracker = [{"id": 7001000 + i, "label": "Van %d" % i, "avatar": self.URL, "source": {
            "id": 10001000 + i, "device_id": "35693803564380%d" % i, "phone": "50255551234", "model": "a b"}} for i in range(5)]
        lines = ['%d mark 9 0 %s' % (T0, json.dumps({"mark": "trackers", "from": self.URL, "trackers": 5, "list": tracker}))]
        lines += ['%d received 1 1 {"type":"event","event":"state","data":{"source_id":%s}}' % (T0 + i, x)
                  for i, x in enumerate([10001000, 10001001, 710010001, '"bus 0"', '"bus 1"', '"bus 2"', '"bus 3"', '"bus 4"'])]
        for i in range(250):
            value, more = self.plant(r)
            traces |= more
            kind = r.choice(["received", "received", "sent", "mark"])
            opcode = r.randrange(1, len(marks)) if kind == "mark" else 1
            if kind == "mark":
                own = {"url": self.URL, "peer": "203.0.113.77:443", "text": self.PLACE, "what": "Van 3", "from": self.URL,
                       "to": "2023-11-14T22:13:59Z", "reason": "bye Mar\u00eda", "cause": self.PLACE, "before": "2023-11-14T22:13:59Z",
                       "tls": self.URL, "profile": self.PLACE, "events": [self.PLACE], "program": self.PLACE, "list": [7001001, "Van 1", value]}
                names = r.sample(sorted(own), 5)
                value = {"mark": marks[opcode], **{k: own[k] for k in names}, "more": value}
            else:
                value = {"type": "event", "event": "state", "data": value}
            lines.append("%d %s %d 1 %s" % (T0 + i * S, kind, opcode, json.dumps(value, ensure_ascii=r.random() < 0.5)))
        return lines, traces

    def test_no_trace_is_left(self):
        for seed in range(8):
            lines, traces = self.frames(seed)
            tape, new = self.make("t%d.tape" % seed, lines), self.path("n%d.tape" % seed)
            self.out("scrub", "--keep-sent", tape, "-o", new, "--seed-file", self.seed())
            before, after = (Tapes.everything(self, x) for x in (tape, new))
            found, numbers = 0, set(re.findall(rb"\d+", after))
            for trace in traces:
                forms = (trace.encode(), json.dumps(trace)[1:-1].encode())
                found += any(f in before for f in forms)
                for f in forms:
                    self.assertFalse(f in numbers if f.isdigit() else f in after, (seed, trace))
            self.assertGreater(found, 100)  # or it is no test

    IDS = ["10001000", "10001004", "710010001", "7001001", "7001004", "bus 0", "veh-Q1", "Van 1", "Zo\u00eb", "KR\u00c4N", "Depot_North", "Old Label",
           "356938035643801"]

    def encoded(self, text):
        """Forms in which other programs write an id."""
        quoted = "".join("%%%02X" % b for b in text.encode())
        coded = {base64.b64encode(before + text.encode()).decode() for before in (b"", b"id:", b"u/", b"/")}
        coded |= {c.rstrip("=") for c in coded} | {c.replace("+", "-").replace("/", "_").rstrip("=") for c in coded}
        return {text, quoted, quoted.lower(), urllib.parse.quote(text), json.dumps(text)[1:-1], *coded}

    def disguised(self, r, text):
        """A value that holds the id in some form, at some place in it."""
        form = r.choice(sorted(self.encoded(text)))
        values = [form, "x-" + form, form + "-x", json.dumps({"source_id": form}), json.dumps([json.dumps({form: 1})])]
        if text.isdigit():
            values += [int(text), -int(text), float(text), "-" + text, " " + text, "0" + text, text + ".0", "%e" % int(text)]
        value = r.choice(values)
        name = r.choice(["type", "action", "event", "x", "label", "rate_limit", "format", "list", "reason", "program", "tls", "profile",
                         "cause", "events", "mark", "sensor_type", "lat", "heading", "time", "alt", "coordinates"])
        return r.choice([{name: value}, {name: [value]}, {name: {"n": value}}, {form: 1}, {"x-" + form: None}, {"more": {form + "_x": True}},
                         {"a": [[{form: {form: [value]}}]]}, {name: {name: {name: value}}}])

    def test_no_disguised_id_is_left(self):
        """Every id and label that the tape knows, encoded as other programs do, in names, texts,
        numbers and events of every kind of frame and mark; one label was on a list in the middle."""
        marks = ["", "started", "stopped", "connected", "disconnected", "gap", "clock", "note", "state", "trackers", "trigger", "armed", "new"]
        for seed in range(6):
            r = random.Random(seed)
            labels = ["Van 1", "Zo\u00eb", "KR\u00c4N", "Depot_North"]
            lists = [[{"id": 7001001 + i, "label": x, "source": {"id": 10001000 + i, "device_id": "35693803564380%d" % i}}
                      for i, x in enumerate(names)] for names in (labels, ["Old Label", *labels[1:]], labels)]
            lines = ["%d mark 9 0 %s" % (T0 + i, json.dumps({"mark": "trackers", "from": "f", "trackers": 4, "list": x}))
                     for i, x in enumerate(lists)]
            lines += ['%d received 1 1 {"type":"event","event":"state","data":{"source_id":%s}}' % (T0 + 9, x)
                      for x in ("10001000", "10001004", "710010001", '"bus 0"', '"veh-Q1"')]
            for i in range(400):
                kind, opcode, value = r.choice(["received", "received", "sent", "mark"]), 1, {}
                for _ in range(r.randrange(1, 5)):
                    value.update(self.disguised(r, r.choice(self.IDS)))
                if kind == "mark":
                    opcode = r.randrange(1, len(marks))
                    value = {"mark": marks[opcode], **value} if r.random() < 0.9 else value
                elif r.random() < 0.5:
                    value = {"type": "event", "event": r.choice(["state", "state", r.choice(self.IDS)]), "data": value}
                lines.append("%d %s %d 1 %s" % (T0 + i * S, kind, opcode, json.dumps(value, ensure_ascii=r.random() < 0.5)))
            tape, new = self.make("d%d.tape" % seed, lines), self.path("e%d.tape" % seed)
            report = self.out("scrub", "--keep-sent", tape, "-o", new, "--seed-file", self.seed())
            self.out("verify", new)
            before, after = Tapes.everything(self, tape), Tapes.everything(self, new) + report
            numbers, found = set(re.findall(rb"\d+", after)), 0
            for text in self.IDS:
                for form in self.encoded(text):
                    self.assertFalse(form.encode() in (numbers if form.isdigit() else after), (seed, text, form))
                    found += form.encode() in before
                if text.isdigit():
                    self.assertNotIn(("%e" % int(text)).encode(), after)
            self.assertGreater(found, 80)

    def listed(self, name="l.tape"):
        return self.make(name, self.frames(1)[0][:9])

    def test_the_list_fits_the_sources(self):
        """ls, and the stand-in's answers by tracker, equal those of the original except
        for the ids."""
        tape, new, ids = self.listed(), self.path("new.tape"), self.path("ids")
        self.out("scrub", tape, "-o", new, "--map", ids)
        with open(ids, encoding="utf-8") as f:
            became = dict(line.rstrip("\n").split("\t") for line in f)
        old, got = ({x["source_id"]: x for x in self.json_lines("ls", "--json", t)} for t in (tape, new))
        self.assertEqual(len(got), 8)
        for source, row in old.items():
            same = got[type(source)(became[str(source)])]
            self.assertEqual(same["frames"], row["frames"])
            self.assertEqual(str(same.get("tracker_id")), became.get(str(row.get("tracker_id")), "None"))
        self.assertEqual(sum("tracker_id" in x for x in got.values()), 2)
        mark = [f["payload"] for f in evtest.frames(new) if f.get("mark") == "trackers"][0]
        self.assertEqual((mark["trackers"], len(mark["list"])), (5, 5))
        self.assertEqual([str(x["id"]) for x in mark["list"]], [became[str(7001000 + i)] for i in range(5)])

    def test_the_map_is_private(self):
        tape, ids = self.listed(), self.path("ids")
        os.umask(os.umask(0o022))
        self.out("scrub", tape, "-o", self.path("new.tape"), "--map", ids)
        self.assertEqual(os.stat(ids).st_mode & 0o777, 0o600)
        self.fails(1, "ids exists", "scrub", tape, "-o", self.path("b.tape"), "--map", ids)
        self.fails(2, "give --map the name of a file", "scrub", tape, "-o", self.path("b.tape"), "--map", "-")
        self.fails(1, "already exists", "scrub", tape, "-o", tape, "--map", self.path("m"))
        self.nothing_left("m", "b.tape")

    def test_rules_for_marks(self):
        tape = self.make("m.tape", ['%d mark 7 0 {"mark":"note","text":"theft at Calle 5"}' % T0,
                                    '%d received 1 1 {"text":"hello you"}' % T0, '%d sent 1 1 {"text":"hello me"}' % T0])
        def texts(*args, name):
            return [f["payload"]["text"] for f in self.scrub(tape, "--keep-sent", *args, name=name)]
        self.assertEqual(texts("--keep", "mark:/text", name="a"), ["theft at Calle 5", "*" * 9, "*" * 8])
        self.assertEqual(texts("--keep", "/text", name="b"), ["*" * 16, "hello you", "hello me"])
        self.assertEqual(texts("--keep", "sent:/text", name="c"), ["*" * 16, "*" * 9, "hello me"])
        bookmark = self.json("mark", "--list", "--json", self.path("a"))
        self.assertIn("theft at Calle 5", json.dumps(bookmark))

    def test_large_ids_keep_their_kind(self):
        """A number past int64 is a text to readers, before and after."""
        for x in ("9223372036854775807", "9223372036854775808", "123456789012345678901", '"9223372036854775807"', '"123456789012345678901"', "-0"):
            f = evtest.frames(self.scrubbed(x))[0]
            new = f["payload"]["data"]["source_id"]
            self.assertEqual(f["sources"], [new if isinstance(new, int) and abs(new) < 2**63 else str(new)])
            self.assertEqual(type(new), type(json.loads(x)))
            self.assertEqual(abs(int(new)) < 2**63, abs(int(json.loads(x))) < 2**63)

    def scrubbed(self, source):
        n = len(os.listdir(self.dir))
        self.scrub(self.make("s%d" % n, ['%d received 1 1 {"event":"state","data":{"source_id":%s}}' % (T0, source)]), name="s%d.new" % n)
        return self.path("s%d.new" % n)


class Real(Case):
    def test_a_day_of_buses(self):
        """Distances of 329 buses stay within 1 % wherever two fixes are 20 m
        apart (the trace has five digits, so 1 m)."""
        lines = []
        with open(evtest.data("austin-buses", "2017-03-21.csv"), newline="", encoding="utf-8") as f:
            for i, row in enumerate(csv.DictReader(f)):
                state = {"event": "state", "data": {
                    "source_id": int(row["vehicle_id"]), "label": row["trip_headsign"], "last_update": row["timestamp"],
                    "gps": {"location": {"lat": float(row["latitude"]), "lng": float(row["longitude"])}, "speed": float(row["speed"])}}}
                lines.append("%d received 1 1 %s" % (T0 + i, json.dumps(state)))
        tape = self.make("bus.tape", lines)
        old, new = evtest.frames(tape), self.scrub(tape)
        self.assertEqual(len(new), len(old))
        last, checked = {}, 0
        for a, b in zip(old, new):
            a, b = a["payload"]["data"], b["payload"]["data"]
            here = [(x["gps"]["location"]["lat"], x["gps"]["location"]["lng"]) for x in (a, b)]
            before = last.get(a["source_id"])
            if here[0] == (0, 0):  # no fix
                self.assertEqual(here[1], (0, 0))
                continue
            if before and distance(before[0], here[0]) > 20:
                checked += 1
                self.assertAlmostEqual(distance(before[1], here[1]) / distance(before[0], here[0]), 1, delta=0.01)
            last[a["source_id"]] = here
        self.assertGreater(checked, 30000)
        self.assertFalse(re.search(rb"South Congress|-05:00|\"lat\": 30\.|\"lng\": -97\.", self.out("cat", self.path("new.tape"))))


if __name__ == "__main__":
    evtest.unittest.main()
