"""The console, in a real Chromium: console.cjs and what it requires hold what is
looked at; here are the tapes, the servers, and one test for each scenario."""

import datetime
import http.server
import json
import os
import re
import shutil
import struct
import subprocess
import threading
import unittest
import urllib.request
import zlib
import zoneinfo

import evtest
import npm
from test_control import moved
from test_replay import S, T0, state
from test_replay_ws import TOKEN, WsCase

S = 10**9
T0 = 1772366400 * S  # 2026-03-01T12:00:00Z
CHROMIUM = "/usr/bin/chromium"
AXE = "4.14.1"
SHOTS = os.path.join(evtest.BUILD, "screenshots")
GAP = ('{"mark":"gap","frames":null,"bytes":null,"reason":"connection lost",'
       '"from":"2026-03-01T12:20:00.000Z","to":"2026-03-01T12:21:40.000Z"}')
LIFE = '{"type":"event","event":"lifecycle","data":{"source_id":10005,"lifecycle_event":"%s"}}'
SOURCES = 30
FRAMES = 3000


class Browser:
    """One Chromium for all tests; each of them has a profile of its own."""

    shared = None
    missing = None

    def __init__(self):
        if not os.path.exists(CHROMIUM):
            raise unittest.SkipTest("there is no Chromium at " + CHROMIUM)
        env = npm.need("playwright-core@1.64.1")
        os.makedirs(SHOTS, exist_ok=True)
        # pylint: disable-next=consider-using-with
        self.node = subprocess.Popen(["node", os.path.join(evtest.HERE, "console.cjs"), CHROMIUM, SHOTS], env=env,
                                     stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.receive()

    def send(self, value):
        self.node.stdin.write(json.dumps(value).encode() + b"\n")
        self.node.stdin.flush()

    def receive(self):
        """Its next message; fails if the message reports a failure."""
        line = self.node.stdout.readline()
        if not line:
            Browser.shared = None  # the next test gets another one
            raise AssertionError("the browser is gone")
        got = json.loads(line)
        if "failed" in got:
            raise AssertionError(got["failed"])
        return got

    def close(self):
        self.node.stdin.close()
        try:
            self.node.wait(evtest.DEADLINE)
        except subprocess.TimeoutExpired:
            self.node.kill()
            self.node.wait()
        self.node.stdout.close()

    @classmethod
    def get(cls):
        """The installed Chromium; skips the test if there can be no Chromium."""
        if cls.missing:
            raise unittest.SkipTest(cls.missing)
        if cls.shared is None:
            try:
                cls.shared = cls()
            except unittest.SkipTest as why:
                cls.missing = str(why)
                raise
            unittest.addModuleCleanup(cls.shared.close)
        return cls.shared


def field_tape(folder):
    """50 minutes of a state a second with a gap, heartbeats, a source that is
    blocked for some time, and two bookmarks; and who the sources are."""
    tape = os.path.join(folder, "field.tape")
    states = evtest.lines(evtest.run("evtape-sim", "--generate", FRAMES, "--sources", SOURCES).stdout)
    rows = ['%d mark 3 1 {"mark":"connected"}' % T0]
    for i, frame in enumerate(states):
        at = T0 + i * S
        if not 1200 <= i < 1300:
            rows.append("%d received 1 1 %s" % (at, frame.decode()))
        if i == 1300:
            rows.append("%d mark 5 1 %s" % (at, GAP))
        if i % 100 == 50:
            rows.append("%d received 1 1 X" % (at + 1))
        if i in (2000, 2500):
            rows.append("%d received 1 1 %s" % (at + 2, LIFE % ("block" if i == 2000 else "unblock")))
    subprocess.run([evtest.program("tests/mktape"), tape, "60000"], input="\n".join(rows).encode() + b"\n", check=True)
    evtest.run("evtape", "mark", tape, "gate opened", "--at", "12:10")
    evtest.run("evtape", "mark", tape, "the jump", "--at", "12:35:10")
    with open(os.path.join(folder, "trackers.json"), "w", encoding="ascii") as f:
        json.dump({"success": True, "list": [{"id": i + 1, "label": "Van %d" % (i + 1), "source": {"id": 10001 + i}}
                                             for i in range(SOURCES)]}, f)
    return tape


class ConsoleCase(WsCase):
    """Scenarios of console.cjs, and the server that they look at."""

    shared = None

    def setUp(self):
        super().setUp()
        self.browser = Browser.get()

    def field(self, *args, at="12:10"):
        """Serve the tape that all tests share; the page's address."""
        if ConsoleCase.shared is None:
            folder = ConsoleCase.shared = os.path.join(evtest.BUILD, "console-test.%d" % os.getpid())
            os.makedirs(folder)
            unittest.addModuleCleanup(shutil.rmtree, folder, True)
            field_tape(folder)
        url = self.page_of(os.path.join(self.shared, "field.tape"), "--trackers",
                           os.path.join(self.shared, "trackers.json"), "--start-paused", *args)
        if at:
            self.post(url + "api/deck/seek", {"to": at})
        return url

    def page_of(self, *args):
        """Serve a tape; the page's address."""
        return re.sub(r"^ws(.*)/stream$", r"http\1/", self.serve(*args))

    def post(self, url, body, token=None):
        request = urllib.request.Request(url, json.dumps(body).encode(), {"Authorization": "Bearer " + token} if token else {})
        with urllib.request.urlopen(request, timeout=evtest.DEADLINE) as answer:
            return json.load(answer)

    def look(self, scenario, url, done=None, **more):
        """Have the browser run a scenario; `done` does what the scenario asks for."""
        self.browser.send(dict(more, scenario=scenario, url=url))
        while "ask" in (got := self.browser.receive()):
            self.browser.send({"answer": done(got["ask"])})
        return got["done"]


class Clients(ConsoleCase):
    def test_clients(self):
        url = self.field()
        standin = []

        def done(what):
            if what == "connect":
                standin.append(self.raw(url, target="/event/subscription"))
                standin[0].response()
                return 2
            if what == "subscribe":
                standin[0].send(1, b'{"action":"subscribe","events":["state"],"trackers":[1,2],"hash":"%s"}' % TOKEN.encode())
            if what == "say":
                standin[0].send(1, b'{"action":"dance"}')
            if what == "leave":
                standin[0].send(8, (4001).to_bytes(2, "big") + b"enough")
            return None

        self.look("clients", url, done=done, secret=TOKEN)


class Rows(ConsoleCase):
    def test_rows_of_frames(self):
        def one(at, speed, extra=""):
            return '{"type":"event","event":"state","data":{"source_id":1,"updated":"2026-03-01 12:00:%02d","gps":{"speed":%d},"ready":true%s}}' % (
                at, speed, extra)
        # A number that JavaScript would round.
        payload = one(2, 77, ',"big":12345678901234567890, "text":"\\"}]"')
        batch = ('{"type":"event","event":"state_batch","data":[{"state":{"source_id":1,"gps":{"speed":%d}}},'
                 '{"state":{"source_id":2,"gps":{"speed":9}}}]}')
        gap = '{"mark":"gap","reason":"connection lost","from":"2026-03-01T12:00:02Z","to":"2026-03-01T12:01:42Z"}'
        rows = [batch % 4, one(1, 66, ',"big":12345678901234567890, "text":"\\"}]"'), payload, payload]
        rows = ["%d received 1 1 %s\n" % (T0 + i * S, text) for i, text in enumerate(rows)]
        rows += ["%d mark 5 1 %s\n" % (T0 + 102 * S, gap), "%d received 1 1 %s\n" % (T0 + 103 * S, batch % 5),
                 '%d mark 7 1 {"mark":"note","text":"gate opened"}\n' % (T0 + 104 * S),
                 "%d received 1 1 X\n" % (T0 + 105 * S)]
        tape = self.tape("rows.tape", rows)
        envelope = evtest.lines(evtest.run("evtape", "cat", "--format", "envelope", tape).stdout)[2].decode()
        url = self.page_of(tape, "--start-paused")
        self.post(url + "api/deck/seek", {"to": "+105s"})
        self.look("rows", url, payload=payload, envelope=envelope)


class Health(ConsoleCase):
    def test_silent_sources(self):
        rows = [(i * 10 * S, moved(1, i)) for i in range(121)] + [(i * 10 * S + 1, moved(2, 50 + i)) for i in range(31)] + \
            [(i * 120 * S + 2, moved(3, 80)) for i in range(8)]
        tape = self.tape("t.tape", sorted(rows))
        self.look("silent", self.page_of(tape, "--start-paused"))

    def test_the_recorder(self):
        ready, tape = self.path("sim"), self.path("live.tape")
        args = ["--trackers", 5, "--rate", 20, "--ready-file", ready]
        sim = [self.start("evtape-sim", *args)]
        self.wait_until("the simulator", lambda: os.path.exists(ready))
        with open(ready, encoding="ascii") as f:
            source = f.read().strip()
        recorder = self.start("evtape-record", source + "/event/subscription", "-o", tape, "--events", "state", "--json",
                              "--trackers", "1,2,3,4,5", env=dict(os.environ, EVTAPE_CREDENTIAL="0" * 32))
        recorder.wait_for(rb'"frames":[1-9]', "out")

        def done(what):
            if what == "cut":
                sim[0].finish(evtest.SIGTERM, check=None)
            if what == "back":
                sim[0] = self.start("evtape-sim", "--listen", source.split(":")[-1], *args)
            if what == "end":
                recorder.finish(evtest.SIGINT, check=3)  # with losses

        self.look("recorder", self.page_of(tape), done=done)


class Looks(ConsoleCase):
    def test_first_picture(self):
        self.look("load", self.field())

    def test_map_shows_all_sources(self):
        self.look("fit", self.field())

    def test_one_frame(self):
        self.look("small", self.page_of(self.states(n=1), "--start-paused"))

    def test_light_and_dark(self):
        self.look("themes", self.field())

    def test_narrow_and_wide(self):
        url = self.field()
        now = {"from": "12:05", "to": "12:45"}
        self.post(url + "api/deck/window", now)
        self.post(url + "api/deck/loop", now)
        self.look("sizes", url)

    def test_screenshots(self):
        self.look("shots", self.field(at="12:30"))


class Plays(ConsoleCase):
    def test_play_and_pause(self):
        self.look("play", self.field(at=None))

    def test_end(self):
        self.look("end", self.field())

    def test_step(self):
        self.look("step", self.field(at=None))

    def test_seek(self):
        self.look("seek", self.field())

    def test_zoom_and_pan(self):
        self.look("zoom", self.field())

    def test_filter(self):
        url = self.field(at=None)
        count = len(evtest.frames(os.path.join(self.shared, "field.tape"), "--source", "10007"))
        self.look("filter", url, lambda _: count)

    def test_window(self):
        self.look("window", self.field())

    def test_speed(self):
        self.look("speed", self.field(at=None))

    def test_loop(self):
        self.look("loop", self.field())

    def test_go_to(self):
        self.look("goTo", self.field(), allow=["status of 400"])

    def test_bookmarks(self):
        self.look("bookmarks", self.field())

    def test_two_pages_one_deck(self):
        self.look("together", self.field())


class Finds(ConsoleCase):
    def test_deep_link(self):
        self.look("deepLink", self.field())

    def test_a_link_asks(self):
        self.look("linkAsks", self.field())

    def test_address_follows(self):
        self.look("address", self.field())

    def test_sources(self):
        self.look("sources", self.field(at="12:49:59"))

    def test_states(self):
        self.look("states", self.field())

    def test_frames(self):
        self.look("frames", self.field())

    def test_values(self):
        self.look("findValues", self.field())

    def test_expressions_by_keyboard(self):
        self.look("findByKeyboard", self.field(), allow=["status of 400"])


class Charts(ConsoleCase):
    def test_lines(self):
        self.look("charts", self.field(at="12:30"))

    def test_gaps(self):
        self.look("chartGaps", self.field(at="12:30"))


class Bookmarks(ConsoleCase):
    def test_set_rename_remove(self):
        url = self.page_of(self.tape("t.tape", [(i * S, moved(1, i)) for i in range(60)]), "--start-paused")
        self.post(url + "api/deck/seek", {"to": "+30s"})
        self.look("bookmarksSet", url)


class Saves(ConsoleCase):
    def test_downloads(self):
        self.look("saves", self.field(at="12:30"))


class Compares(ConsoleCase):
    def test_two_tapes(self):
        """An hour later source 2 was elsewhere for a while, and source 3 is missing."""
        played = self.tape("played.tape", [(i * S + k, moved(k, i)) for i in range(60) for k in (1, 2, 3)])
        other = self.tape("other.tape", [(3600 * S + i * S + k, moved(k, i + 30 if k == 2 and 20 <= i < 25 else i))
                                         for i in range(60) for k in (1, 2)])
        url = self.page_of(played, "--start-paused", "--compare", other)
        self.post(url + "api/deck/seek", {"to": "+30s"})
        self.look("compared", url)


class Selects(ConsoleCase):
    def test_several_sources(self):
        self.look("several", self.field())

    def test_ids_with_commas(self):
        names = ["a,b", 'x"y', "7", "back\\slash"]
        frame = '{"event":"state","data":{"source_id":%s,"gps":{"location":{"lat":1.%d,"lng":2}}}}'
        tape = self.tape("odd.tape", [(i * S, frame % (json.dumps(name), i)) for i, name in enumerate(names)])
        url = self.page_of(tape, "--start-paused")
        self.post(url + "api/deck/seek", {"to": "+1m"})
        self.look("oddIds", url)


    def test_search_by_words(self):
        """Accents, case, ids, IMEIs, and the second tracker of a source."""
        trackers = [(71, "Łódź Ångström", 10001, "356307042441013"), (72, "Straße 5", 10002, "490154203237518"),
                    (73, "ÇELİK İstanbul", 10003, None), (74, "Clone of Łódź", 10001, None)]
        listed = self.write("list.json", json.dumps([
            {"id": no, "label": label, "source": {"id": source, "device_id": imei}} for no, label, source, imei in trackers]))
        tape = self.tape("words.tape", [(i * S, state(10001 + i, i)) for i in range(4)])
        url = self.page_of(tape, "--start-paused", "--trackers", listed)
        self.post(url + "api/deck/seek", {"to": "+1m"})
        self.look("words", url)


CHANGE = 1774746000  # 2026-03-29T01:00:00Z, when clocks in Europe are put forward


class Zones(ConsoleCase):
    """Python's zoneinfo is the judge."""

    NAMES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Europe/London")

    def local(self, name, s, form="%Y-%m-%d %H:%M:%S"):
        return datetime.datetime.fromtimestamp(s, zoneinfo.ZoneInfo(name)).strftime(form)

    def page(self, feed, *args, before=1800):
        """A tape around the change, whose feed writes local times."""
        text = '%d received 1 1 {"type":"event","event":"state","user_time":"%s","data":{"source_id":1,"n":%d}}\n'
        tape = self.tape("change.tape", [text % (s * S, self.local(feed, s), s)
                                         for s in range(CHANGE - before, CHANGE + 1800, 30)])
        return self.page_of(tape, "--start-paused", *args)

    def test_zones(self):
        try:
            names = [zoneinfo.ZoneInfo(name).key for name in self.NAMES]
        except zoneinfo.ZoneInfoNotFoundError as why:
            self.skipTest(str(why))
        ends = [CHANGE - 600, CHANGE + 600]
        judged = {name: [re.sub(r"(00)?$", "", self.local(name, s, "%Y-%m-%d %H:%M:%S.000%z")).replace("+0545", "+05:45")
                         if name != "UTC" else self.local(name, s) + ".000Z" for s in ends] for name in names}
        for text in judged["Europe/London"]:
            judged["Europe/London"][judged["Europe/London"].index(text)] = re.sub(r"\+00$", "Z", text)
        self.look("zones", self.page("Europe/London", "--zone", "Europe/Berlin"), judged=judged,
                  times=[s * 1000 for s in ends], allow=["status of 400"])

    def test_no_zone_is_found(self):
        self.look("noZone", self.page_of(self.states(n=5), "--start-paused"))

    def test_zone_of_the_feed_is_given(self):
        url = self.page("Europe/Berlin", "--feed-zone", "Asia/Kathmandu")
        with urllib.request.urlopen(url + "api/zone?at=%2B1m", timeout=evtest.DEADLINE) as answer:
            self.assertEqual(json.load(answer), {"feed": {"name": "Asia/Kathmandu", "offset_s": 20700}})


class People(ConsoleCase):
    def test_keyboard_alone(self):
        self.look("keyboard", self.field())

    def test_help(self):
        self.look("help", self.field())

    def test_names_for_screen_readers(self):
        self.look("labels", self.field())

    def test_tabs(self):
        self.look("tabs", self.field())


class Axe(ConsoleCase):
    """axe-core finds nothing wrong: the pinned version, from the npm registry."""

    def axe(self, scenario, url, **more):
        env = npm.need("axe-core@%s" % AXE)
        for size in ("wide", "narrow", "zoomed"):
            for scheme in ("light", "dark"):
                with self.subTest(size=size, scheme=scheme):
                    self.look(scenario, url, axe=os.path.join(env["NODE_PATH"], "axe-core", "axe.min.js"),
                              size=size, colorScheme=scheme, **more)

    def test_page(self):
        self.axe("axe", self.field(), allow=["status of 400"])

    def test_token(self):
        token = self.write("token", TOKEN + "\n")
        self.axe("axeToken", self.field("--token-file", token, at=None), allow=["401", "WebSocket connection to .* failed"])

    def test_folder(self):
        os.mkdir(self.path("tapes"))
        for name in ("early", "late"):
            self.tape("tapes/%s.tape" % name, [(i * S, state(10001, i)) for i in range(5)])
        self.axe("axeTapes", self.page_of("--start-paused", self.path("tapes")))

    def test_compared(self):
        played, other = (self.tape(name, [(i * S, moved(1, i * by)) for i in range(60)]) for name, by in (("a.tape", 1), ("b.tape", 2)))
        self.axe("axeCompared", self.page_of(played, "--start-paused", "--compare", other))

    def test_empty(self):
        self.axe("axeEmpty", self.page_of(self.tape("empty.tape", []), "--start-paused"), allow=["status of 404"])


class Tiles(http.server.BaseHTTPRequestHandler):
    """Grey tiles."""

    def do_GET(self):  # pylint: disable=invalid-name
        self.send_response(200)
        self.send_header("Content-Type", "image/png")
        self.end_headers()
        self.wfile.write(self.server.picture)

    def log_message(self, *_):  # pylint: disable=arguments-differ
        pass


def png(grey, size=256):
    """A picture of one grey."""
    def chunk(name, data):
        return struct.pack("!I", len(data)) + name + data + struct.pack("!I", zlib.crc32(name + data))
    rows = (b"\0" + bytes([grey]) * size) * size
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack("!IIBBBBB", size, size, 8, 0, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


class Net(ConsoleCase):
    def test_policy(self):
        """Nothing inline, nothing from elsewhere."""
        with urllib.request.urlopen(self.field(), timeout=evtest.DEADLINE) as answer:
            policy = answer.headers["Content-Security-Policy"]
            text = answer.read().decode()
        self.assertEqual(dict(part.strip().split(" ", 1) for part in policy.split(";")), {
            "default-src": "'none'", "script-src": "'self'", "style-src": "'self'", "img-src": "'self' data:",
            "connect-src": "'self'", "base-uri": "'none'", "form-action": "'none'", "frame-ancestors": "'none'"})
        self.assertEqual(re.findall(r'(?:src|href)="([^"]*//[^"]*)"', text), [])
        self.assertEqual(re.findall(r"<script>|<style|\son\w+=|style=", text), [])

    def test_connects_to_no_other_server(self):
        self.look("alone", self.field(), allow=["violates the following Content Security Policy.*img-src|example.com"],
                  origins=["https://example.com"])

    def test_tiles(self):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Tiles)
        server.picture = png(200)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        origin = "http://127.0.0.1:%d" % server.server_port
        url = self.field("--tiles", origin + "/tiles/{z}/{x}/{y}.png")
        self.look("tiles", url, origins=[origin])

    def test_token(self):
        token = self.write("token", TOKEN + "\n")
        url = self.field("--token-file", token, at=None)
        self.look("token", url, token=TOKEN, allow=["401", "WebSocket connection to .* failed", "404"])

    def test_server_restarts(self):
        url = self.field()
        port = url.rstrip("/").rsplit(":", 1)[1]

        def done(what):
            if what == "stop the server":
                self.stop()
                return
            ready = self.path("again")
            if os.path.exists(ready):
                os.remove(ready)
            self.server = self.start("evtape-replay", "--json", "--listen", port, "--ready-file", ready, "--start-paused",
                                     "--trackers", os.path.join(self.shared, "trackers.json"),
                                     "--from", "12:10", os.path.join(self.shared, "field.tape"))
            self.wait_until("the server", lambda: os.path.exists(ready))
            if what.endswith("move its deck"):
                self.post(url + "api/deck/seek", {"to": "12:11"})
        # Requests that the page had made when the server ended are lost.
        self.look("restart", url, done, allow=["ERR_CONNECTION_(REFUSED|RESET)|ERR_SOCKET_NOT_CONNECTED", "ERR_EMPTY_RESPONSE",
                                               "WebSocket connection to .* failed"])

    def test_folder_of_tapes(self):
        os.mkdir(self.path("tapes"))
        for name, at in (("early", 0), ("late", 86400 * S)):
            rows = [(at + i * S, state(10001, i)) for i in range(5)]
            if name == "early":
                rows.append('%d mark 7 0 {"mark":"note","text":"Gate opened"}\n' % (T0 + S))
            self.tape("tapes/%s.tape" % name, rows)
        url = self.page_of("--start-paused", self.path("tapes"))
        self.look("folder", url, allow=["ERR_CONNECTION_(REFUSED|RESET)|ERR_SOCKET_NOT_CONNECTED", "ERR_EMPTY_RESPONSE", "WebSocket connection to .* failed"])

    def test_live_tape(self):
        ready, tape = self.path("sim"), self.path("live.tape")
        self.start("evtape-sim", "--trackers", 20, "--rate", 40, "--ready-file", ready)
        self.wait_until("the simulator", lambda: os.path.exists(ready))
        with open(ready, encoding="ascii") as f:
            source = f.read().strip() + "/event/subscription"
        recorder = self.start("evtape-record", source, "-o", tape, "--events", "state", "--json",
                              "--trackers", ",".join(str(i + 1) for i in range(20)),
                              env=dict(os.environ, EVTAPE_CREDENTIAL="0" * 32))
        recorder.wait_for(rb'"frames":[1-9]', "out")
        self.look("live", self.page_of(tape), lambda _: recorder.finish(evtest.SIGINT))


if __name__ == "__main__":
    unittest.main()
