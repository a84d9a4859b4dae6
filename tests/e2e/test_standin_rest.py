"""The platform's calls that its clients make before they connect, as the
stand-in of evtape-replay answers them from the tape: with curl, Node's fetch and
Python's urllib."""

import datetime
import json
import os
import shutil
import unittest
import urllib.error
import urllib.parse
import urllib.request

import evtest
from simcase import HASH, SimCase, old
from test_replay import MS
from test_replay_ws import WsCase
from test_standin_clients import dump

PREFIXES = ("/v2", "/api-v2", "")
LIST = [
    {"id": 70, "label": "Van 5", "group_id": 3, "source": {"id": 5, "device_id": "8601", "blocked": False},
     "clone": False},
    {"id": 60, "label": "Truck", "group_id": 0, "source": {"id": 6, "device_id": "8602"}, "tag_bindings": []},
    {"id": 71, "label": "Copy of van 5", "source": {"id": 5}, "clone": True},
    {"id": 80, "label": "gone", "source": {"id": 8}},
    {"id": 90, "label": "not installed yet", "source": None},
]


def gps(source, n, zone="", time="2026-03-01 06:51:43"):
    time = time.replace(" ", "T") + zone if zone else time
    return {"source_id": source, "gps": {"updated": time, "location": {"lat": n, "lng": -n}, "speed": n},
            "connection_status": "active", "last_update": time, "additional": {"key": {"value": "1", "updated": time}}}


def state(source, n, **more):
    data = gps(source, n, **more)
    return dump({"type": "event", "event": "state", "user_time": data["last_update"], "data": data})


def life(source, what):
    return dump({"type": "event", "event": "lifecycle", "data": {"source_id": source, "lifecycle_event": what}})


class RestCase(WsCase, SimCase):
    """A tape on which 5 speaks, 6 is blocked, and 8 is removed."""

    ROWS = [(0, state(5, 1)), (1, state(6, 2)), (2, state(8, 3)), (3 * MS, life(6, "block")),
            (4 * MS, life(8, "corrupt")), (1000 * MS, state(5, 9)), (9000 * MS, state(6, 8))]

    def listen(self, *args, rows=None, listed=True):
        """A server whose deck is after the blocking and the removal; its URL for HTTP."""
        tape = self.tape("t.tape", rows or self.ROWS)
        if listed:
            args += ("--trackers", self.write("trackers.json", dump({"success": True, "list": LIST})))
        if "--from" not in args:
            args += ("--from", "+500ms")
        return self.serve(tape, *args)[:-len("/stream")].replace("ws://", "http://")

    def call(self, url, path, params=None, how="json", headers=()):
        """Status and answer of a call, its parameters in JSON, a form or the
        query."""
        body = None
        if how == "json":
            body = json.dumps(params or {}).encode()
        elif params:
            text = urllib.parse.urlencode({k: v if isinstance(v, str) else json.dumps(v) for k, v in params.items()})
            path, body = (path + "?" + text, None) if how == "query" else (path, text.encode())
        request = urllib.request.Request(url + path, data=body, headers=dict(headers))
        if how == "json":
            request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=evtest.DEADLINE) as got:
                return got.status, self.answer(got)
        except urllib.error.HTTPError as got:
            with got:
                return got.code, self.answer(got)

    def answer(self, got):
        self.assertEqual(got.headers["Content-Type"], "application/json")
        return json.loads(got.read())

    def ask(self, url, path, params=None, **more):
        """The answer of a call that succeeds."""
        status, got = self.call(url, path, params, **more)
        self.assertEqual((status, got["success"]), (200, True), got)
        return got

    def fails(self, status, code, url, path, params=None, **more):
        got = self.call(url, path, params, **more)
        self.assertEqual(got[0], status, got)
        self.assertEqual(sorted(got[1]), ["status", "success"])
        self.assertIs(got[1]["success"], False)
        self.assertEqual(got[1]["status"]["code"], code)
        self.assertRegex(got[1]["status"]["description"], r"^[A-Z][A-Za-z ]+$")


class Calls(RestCase):
    def test_every_way_to_ask(self):
        """Prefixes, a slash at the end, and parameters in all three places."""
        url = self.listen()
        for prefix in PREFIXES:
            for how in ("json", "form", "query"):
                for slash in ("", "/"):
                    got = self.ask(url, prefix + "/tracker/get_state" + slash, {"hash": HASH, "tracker_id": 70},
                                   how=how)
                    self.assertEqual(got["state"], gps(5, 1))
                got = self.ask(url, prefix + "/tracker/get_states", {"hash": HASH, "trackers": [70, 71]}, how=how)
                self.assertEqual(got["states"], {"70": gps(5, 1), "71": gps(5, 1)})
        # Some send a part of them in the query and the rest in the body.
        got = self.ask(url, "/v2/tracker/get_states?hash=" + HASH, {"trackers": [70]}, how="form")
        self.assertEqual(list(got["states"]), ["70"])

    def test_auth_and_info(self):
        url = self.listen()
        got = self.ask(url, "/v2/user/auth", {"login": "a@b.example", "password": "x&y=%41+"}, how="form")
        self.assertEqual(got["type"], "authenticated")
        self.assertRegex(got["hash"], "^[0-9a-f]{32}$")
        self.assertNotEqual(got["hash"], self.ask(url, "/v2/user/auth", {"login": "a", "password": "b"})["hash"])
        info = self.ask(url, "/v2/user/get_info", {"hash": got["hash"]})["user_info"]
        self.assertIsInstance(info["id"], int)
        for name in ("login", "title", "locale", "legal_type", "measurement_system"):
            self.assertTrue(info[name], name)
        # The user's clock is six hours before UTC.
        self.assertEqual(info["time_zone"], "Etc/GMT+6")

    def test_list(self):
        """As it was recorded, without removed trackers; by labels, too."""
        url = self.listen()
        self.assertEqual(self.ask(url, "/v2/tracker/list", {"hash": HASH})["list"], [t for t in LIST if t["id"] != 80])
        for how in ("json", "query"):
            got = self.ask(url, "/v2/tracker/list", {"hash": HASH, "labels": ["VAN", "uck"]}, how=how)
            self.assertEqual([t["id"] for t in got["list"]], [70, 60, 71])
        self.assertEqual(self.ask(url, "/v2/tracker/list", {"labels": ["none"]})["list"], [])

    def test_list_of_a_tape_without_one(self):
        url = self.listen(listed=False)
        got = sorted(self.ask(url, "/v2/tracker/list")["list"], key=lambda t: t["id"])
        self.assertEqual([(t["id"], t["source"]["id"], t["source"]["blocked"]) for t in got],
                         [(5, 5, False), (6, 6, True)])
        for t in got:
            self.assertEqual(self.ask(url, "/v2/tracker/read", {"tracker_id": t["id"]})["value"], t)

    def test_read(self):
        """Each as the list has it: a clone is not its original."""
        url = self.listen()
        for t in LIST:
            if t["id"] == 80:
                self.fails(400, 201, url, "/v2/tracker/read", {"tracker_id": 80})
            else:
                self.assertEqual(self.ask(url, "/v2/tracker/read", {"tracker_id": t["id"]})["value"], t)
        self.fails(400, 201, url, "/v2/tracker/read", {"tracker_id": 5})
        for bad in ({}, {"tracker_id": None}, {"tracker_id": "x"}, {"tracker_id": -1}, {"tracker_id": [70]}):
            self.fails(400, 7, url, "/v2/tracker/read", bad)

    def test_get_state(self):
        url = self.listen()
        self.fails(403, 208, url, "/v2/tracker/get_state", {"tracker_id": 60})
        self.fails(400, 201, url, "/v2/tracker/get_state", {"tracker_id": 80})
        self.fails(400, 201, url, "/v2/tracker/get_state", {"tracker_id": 5})
        self.fails(404, 204, url, "/v2/tracker/get_state", {"tracker_id": 90})
        self.assertEqual(self.ask(url, "/v2/tracker/get_state", {"tracker_id": "70"})["state"], gps(5, 1))

    def test_get_states(self):
        """A blocked or missing tracker is an error unless it may be listed."""
        url = self.listen()
        path, every = "/v2/tracker/get_states", [70, 60, 80, 5, 90]
        self.assertEqual(sorted(self.ask(url, path, {"trackers": [70]})), ["states", "success", "user_time"])
        self.fails(400, 217, url, path, {"trackers": every})
        self.fails(400, 201, url, path, {"trackers": [70, 60, 80]})
        self.fails(403, 208, url, path, {"trackers": [70, 60]})
        self.fails(403, 208, url, path, {"trackers": every, "allow_not_exist": True})
        self.fails(400, 217, url, path, {"trackers": every, "list_blocked": True})
        for how in ("json", "form", "query"):
            got = self.ask(url, path, {"trackers": every, "allow_not_exist": True, "list_blocked": True}, how=how)
            self.assertEqual((got["states"], got["blocked"], got["not_exist"]), ({"70": gps(5, 1)}, [60], [80, 5]))
            got = self.ask(url, "/v2/tracker/batch_states", {"trackers": every}, how=how)
            self.assertEqual((got["states"], got["blocked"], got["not_exist"]), ({"70": gps(5, 1)}, [60], [80, 5]))
        self.assertEqual(self.ask(url, path, {"trackers": []})["states"], {})
        for bad in ({}, {"trackers": 70}, {"trackers": {}}, {"trackers": [70, None]}, {"trackers": ["x"]}):
            self.fails(400, 7, url, path, bad)

    def test_dates(self):
        """The user's clock, also before any frame was played, and the ISO form if it is
        requested, whatever the tape has."""
        plain = self.listen("--from", "+0")
        self.assertEqual(self.ask(plain, "/v2/user/get_info")["user_info"]["time_zone"], "Etc/GMT+6")
        self.stop()
        for zone in ("", "-06:00"):
            url = self.listen(rows=[(0, state(5, 1, zone=zone)), (9000 * MS, state(5, 2, zone=zone))])
            for how in ("json", "form", "query"):
                got = self.ask(url, "/v2/tracker/get_state", {"tracker_id": 70, "iso_datetime": True}, how=how)
                self.assertEqual(got["state"], gps(5, 1, zone="-06:00"))
                self.assertRegex(got["user_time"], r"^2026-03-01T06:51:4[34]-06:00$")
            got = self.ask(url, "/v2/tracker/get_states", {"trackers": [70]})
            self.assertEqual(got["states"]["70"], gps(5, 1))
            self.assertRegex(got["user_time"], r"^2026-03-01 06:51:4[34]$")
            self.stop()

    def test_wrong_hash(self):
        """No parameter accepts it, and no message shows it."""
        url = self.listen("--credential-file", self.write("hash", HASH + "\n"))
        for call in ("user/get_info", "tracker/list", "tracker/read", "tracker/get_state", "tracker/get_states"):
            for bad in ({}, {"hash": ""}, {"hash": HASH[:-1] + "0"}, {"hash": 5}, {"hash": None}):
                self.fails(400, 3, url, "/v2/" + call, dict(bad, tracker_id=70, trackers=[70]))
        for name, value in (("Authorization", "NVX " + HASH[:-1]), ("Authorization", HASH), ("X-Hash", HASH)):
            self.fails(400, 3, url, "/v2/tracker/list", headers=[(name, value)])
        self.fails(400, 102, url, "/v2/user/auth", {"login": "a", "password": "b"})
        for how in ("json", "form", "query"):
            self.ask(url, "/v2/tracker/list", {"hash": HASH}, how=how)
        self.ask(url, "/v2/user/get_info", headers=[("Authorization", "NVX " + HASH)], how="query")
        self.stop()
        self.assertNotIn(HASH[:-1].encode(), self.server.err)

    def test_unknown_calls(self):
        """The platform's error, and a notice for the operator of the server."""
        url = self.listen()
        self.fails(400, 111, url, "/v2/track/list", {"hash": HASH, "tracker_id": 70})
        self.fails(400, 112, url, "/api-v2/tracker/delete", {"hash": HASH})
        self.fails(400, 111, url, "/v2/zone/list", {"hash": HASH}, how="query")
        self.fails(400, 111, url, "/history/unread/list", {"hash": HASH})
        for odd in ("%0Aforged", "%0D%0Aforged", "%1B%5B31mred"):
            self.fails(400, 111, url, "/v2/a" + odd, {})
        for path in (b"/v2/track/list", b"/api-v2/tracker/delete", b"/v2/zone/list", b"/history/unread/list"):
            self.server.wait_for(b"a client called " + path + b", which the stand-in does not answer\n")
        self.stop()
        self.assertNotIn(HASH.encode(), self.server.err)
        self.assertNotRegex(self.server.err, rb"\nforged|\x1b|\r")

    def test_bad_requests(self):
        url = self.listen()
        for body in (b"{", b"[1]", b'{"hash":', b"\xff{", b'{"a":1} x'):
            request = urllib.request.Request(url + "/v2/tracker/read", data=body)
            with self.assertRaises(urllib.error.HTTPError) as got:
                urllib.request.urlopen(request, timeout=evtest.DEADLINE)
            with got.exception:
                answer = json.loads(got.exception.read())
            self.assertEqual((got.exception.code, answer["success"]), (400, False), body)
        self.ask(url, "/v2/tracker/list")

    def test_times_move_with_rebase(self):
        url = self.listen("--rebase")
        got = self.ask(url, "/v2/tracker/get_state", {"tracker_id": 70})
        self.assertGreater(got["user_time"], "2026-03-01 06:51:50")
        self.assertEqual(got["state"]["last_update"][:4], got["user_time"][:4])


class Clients(RestCase):
    def curl(self, url, *args):
        p = self.spawn(["curl", "-sS", "--max-time", str(evtest.DEADLINE), "-w", "\n%{http_code}", *args, url])
        p.finish()
        body, _, status = p.out.decode().rpartition("\n")
        return int(status), json.loads(body)

    def test_curl(self):
        """The platform's documented command lines."""
        url = self.listen("--credential-file", self.write("hash", HASH + "\n"))
        for status, got in (
                self.curl(url + "/v2/tracker/get_state", "-X", "POST", "-H", "Content-Type: application/json",
                          "-d", '{"hash": "%s", "tracker_id": 70}' % HASH),
                self.curl(url + "/v2/tracker/get_state", "-X", "POST", "-d", "tracker_id=70", "-d", "hash=" + HASH),
                self.curl(url + "/v2/tracker/get_state?hash=%s&tracker_id=70" % HASH),
                self.curl(url + "/v2/tracker/get_state?tracker_id=70", "-H", "Authorization: NVX " + HASH)):
            self.assertEqual((status, got["success"], got["state"]), (200, True, gps(5, 1)))
        status, got = self.curl(url + "/v2/tracker/list", "-X", "POST")
        self.assertEqual((status, got["status"]["code"]), (400, 3))

    def test_node_from_auth_to_states(self):
        """A client that knows only a base URL."""
        url = self.listen("--from", "+0")
        p = self.spawn(["node", os.path.join(evtest.HERE, "rest_client.cjs"), url + "/v2", "3"], env=evtest.NODE_ENV)
        p.finish()
        got = [json.loads(line) for line in evtest.lines(p.out)]
        self.assertEqual(got[0]["data"]["state"], {"70": "normal", "60": "normal", "71": "normal", "80": "normal",
                                                   "90": "unknown"})
        self.assertEqual([m["data"]["source_id"] for m in got[1:]], [5, 6, 8])

    async def test_python_from_auth_to_states(self):
        url = self.listen()
        session = self.ask(url, "/v2/user/auth", {"login": "a", "password": "b"})["hash"]
        ids = [t["id"] for t in self.ask(url, "/v2/tracker/list", {"hash": session})["list"]]
        async with self.connect(url.replace("http", "ws")) as ws:
            answer = await self.subscribed(ws, old(ids, hash=session))
            self.assertEqual(answer["data"]["state"]["60"], "blocked")
            self.assertEqual((await self.recv_json(ws))["data"], gps(5, 1))


class Browsers(RestCase):
    """Pages of other origins may read only what --allow-origin allows."""

    PAGE = "https://app.example"

    def headers(self, url, *args):
        p = self.spawn(["curl", "-sS", "-i", "--max-time", str(evtest.DEADLINE), *args, url])
        p.finish()
        head, _, body = p.out.decode().partition("\r\n\r\n")
        lines = head.split("\r\n")
        return int(lines[0].split()[1]), dict(line.lower().split(": ", 1) for line in lines[1:]), body

    def preflight(self, url, origin, *args):
        return self.headers(url + "/v2/tracker/list", "-X", "OPTIONS", "-H", "Origin: " + origin,
                            "-H", "Access-Control-Request-Method: POST",
                            "-H", "Access-Control-Request-Headers: content-type", *args)

    def test_allowed(self):
        url = self.listen("--allow-origin", self.PAGE)
        status, head, body = self.preflight(url, self.PAGE)
        self.assertEqual((status, head["access-control-allow-origin"], body), (204, self.PAGE, ""))
        self.assertIn("post", head["access-control-allow-methods"])
        self.assertIn("content-type", head["access-control-allow-headers"])
        self.assertIn("authorization", head["access-control-allow-headers"])
        # The error form is to be read, too.
        for path, status in (("/v2/tracker/list", 200), ("/v2/tracker/read", 400), ("/v2/nothing", 400)):
            got = self.headers(url + path, "-H", "Origin: " + self.PAGE, "-H", "Content-Type: application/json",
                               "-d", "{}")
            self.assertEqual((got[0], got[1].get("access-control-allow-origin")), (status, self.PAGE))
            self.assertIn("origin", got[1]["vary"])

    def test_not_allowed(self):
        url = self.listen("--allow-origin", self.PAGE)
        for origin in ("https://other.example", "http://app.example", "https://app.example:444", "null",
                       "https://app.example.evil.example"):
            for got in (self.preflight(url, origin), self.headers(url + "/v2/tracker/list", "-d", "{}", "-H",
                                                                  "Origin: " + origin)):
                self.assertEqual(got[0], 403, origin)
                self.assertNotIn("access-control-allow-origin", got[1])
                self.assertNotIn("Van 5", got[2])

    def test_no_page(self):
        """A program gets no such header."""
        url = self.listen("--allow-origin", self.PAGE)
        self.assertNotIn("access-control-allow-origin", self.headers(url + "/v2/tracker/list")[1])

    def test_any(self):
        url = self.listen("--allow-origin", "*")
        self.assertEqual(self.preflight(url, self.PAGE)[1]["access-control-allow-origin"], self.PAGE)

    def test_token(self):
        """A browser's preflight request needs no token, the call does; both a token and
        the session's hash may be sent."""
        token = "0123456789abcdef0123456789"
        url = self.listen("--allow-origin", self.PAGE, "--token-file", self.write("token", token), "--credential-file",
                          self.write("hash", HASH))
        self.assertEqual(self.preflight(url, self.PAGE)[0], 204)
        for query, auth, status in (("", "NVX " + HASH, 401), ("?token=" + token, "NVX " + HASH, 200),
                                    ("?hash=" + HASH, "Bearer " + token, 200), ("?token=" + token, "NVX x", 400)):
            got = self.headers(url + "/v2/tracker/list" + query, "-H", "Authorization: " + auth,
                               "-H", "Origin: " + self.PAGE)
            self.assertEqual(got[0], status, (query, auth))


class LocalTimes(RestCase):
    """The stand-in's times are those of `evtape info`, around a change of the clocks, with events
    that were held up, and a source whose clock is wrong."""

    def setUp(self):
        super().setUp()
        self.berlin = datetime.timezone(datetime.timedelta(hours=1)), datetime.timezone(datetime.timedelta(hours=2))

    def feed(self, change, before, after):
        """Two hours around a change at a second; source 8 is five hours ahead."""
        rows = []
        for s in range(change - 3600, change + 3600, 20):
            zone = before if s < change else after
            sent = s - 1800 if s % 600 == 0 and s < change else s
            own = s + 5 * 3600 if s % 40 == 0 else s
            text = {name: datetime.datetime.fromtimestamp(t, zone).strftime("%Y-%m-%d %H:%M:%S")
                    for name, t in (("sent", sent), ("own", own))}
            data = {"source_id": 8 if s % 40 == 0 else 5, "last_update": text["own"]}
            rows.append("%d received 1 1 %s\n" % (s * 10 ** 9, dump(
                {"type": "event", "event": "state", "user_time": text["sent"], "data": data})))
        return rows

    def test_around_a_change(self):
        winter, summer = self.berlin
        for change, before, after in ((1774746000, winter, summer), (1792890000, summer, winter)):
            rows = self.feed(change, before, after)
            with self.subTest(change=change):
                url = self.listen("--start-paused", "--from", "@%d" % ((change - 3000) * 10 ** 9), rows=rows, listed=False)
                info = json.loads(evtest.run("evtape", "info", "--json", self.path("t.tape")).stdout)["feed_zone"]
                for at, zone, said in ((change - 3000, before, info["first"]), (change - 1, before, info["first"]),
                                       (change + 5, after, info["last"]), (change + 3000, after, info["last"])):
                    self.ask_api(url, "seek", {"to": "@%d" % (at * 10 ** 9)})
                    got = self.ask(url, "/v2/tracker/get_states", {"trackers": [5, 8], "iso_datetime": True})
                    self.assertEqual(got["user_time"], datetime.datetime.fromtimestamp(at, zone).isoformat())
                    self.assertEqual(got["user_time"][-6:], said, at - change)
                    for source, late in (("5", 0), ("8", 5 * 3600)):
                        own = datetime.datetime.fromisoformat(got["states"][source]["last_update"])
                        self.assertIn(at + late - int(own.timestamp()), range(0, 61), (source, at - change))
                    plain = self.ask(url, "/v2/tracker/get_state", {"tracker_id": 5})
                    self.assertEqual(plain["user_time"], got["user_time"][:19].replace("T", " "))
                    self.assertEqual(plain["state"]["last_update"], got["states"]["5"]["last_update"][:19].replace("T", " "))
                self.stop()
                shutil.rmtree(self.path("t.tape"))

    def test_a_state_from_before_the_change(self):
        """It keeps its own offset."""
        winter, summer = self.berlin
        change = 1774746000
        rows = [r for i, r in enumerate(self.feed(change, winter, summer)) if '"source_id":8' not in r or i < 90]
        url = self.listen("--start-paused", "--from", "@%d" % ((change + 600) * 10 ** 9), rows=rows, listed=False)
        got = self.ask(url, "/v2/tracker/get_states", {"trackers": [5, 8], "iso_datetime": True})
        self.assertEqual((got["user_time"][-6:], got["states"]["5"]["last_update"][-6:], got["states"]["8"]["last_update"][-6:]),
                         ("+02:00", "+02:00", "+01:00"))

    def test_given(self):
        url = self.listen("--feed-zone", "-03:30")
        self.assertEqual(self.ask(url, "/v2/tracker/get_state", {"tracker_id": 70, "iso_datetime": True})["state"]["last_update"],
                         "2026-03-01T06:51:43-03:30")

    def ask_api(self, url, name, body):
        request = urllib.request.Request(url + "/api/deck/" + name, data=json.dumps(body).encode(),
                                         headers={"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=evtest.DEADLINE) as got:
            got.read()


if __name__ == "__main__":
    unittest.main()
