"""The shared deck of evtape-replay as a script moves it: the effects of the calls, the
messages to a client of the stand-in and to subscribers of /control, and /metrics."""

import asyncio
import json
import os
import re
import subprocess
import unittest

import evtest
from evtest import run
from simcase import PATH, STATES, SimCase, new
from test_control import ControlCase, dump, life, moved
from test_replay import MS, S, T0, state

METRICS = ("frames", "deliveries", "sent_bytes", "clients", "clients_dropped", "requests", "refused", "connections_unheard",
           "frames_lost", "failed")


class DeckCase(ControlCase, SimCase):
    """A deck and its clients."""

    N = 20

    def rows(self):
        return [(i * S, moved(10001 + i % 2, i)) for i in range(self.N)]

    def serve(self, *args, **more):
        return super().serve(*(args or (self.tape("t.tape", self.rows()),)), **more)

    def at(self, deck):
        """Where a deck is, in seconds of the tape."""
        return (deck["time_ns"] - T0) / S

    def control(self, with_=None):
        return self.connect(self.url, "/control" + ("?with=" + with_ if with_ else ""))

    async def messages(self, ws, **good):
        """The next message of each kind that is good, in whatever order they come;
        others are passed over."""
        found = {}

        async def read():
            while len(found) < len(good):
                m = await self.recv_json(ws)
                if m["type"] in good and m["type"] not in found and good[m["type"]](m):
                    found[m["type"]] = m
        try:
            await asyncio.wait_for(read(), evtest.DEADLINE)
        except asyncio.TimeoutError:
            self.fail("within %g s no good message of the kinds %s came" %
                      (evtest.DEADLINE, sorted(set(good) - set(found))))
        return found

    async def message(self, ws, kind, good=lambda m: True):
        return (await self.messages(ws, **{kind: good}))[kind]

    async def changed(self, ws, good):
        """The deck, once it is as wanted."""
        return (await self.message(ws, "deck", lambda m: good(m["deck"])))["deck"]

    async def numbers(self, ws, n):
        """The speeds in the states that a client of the stand-in gets; here they are
        the states' numbers."""
        return [(await self.recv_json(ws))["data"]["gps"]["speed"] for _ in range(n)]


class Calls(DeckCase):
    """Each call: its answer, GET /api/deck, a client of the stand-in, and a
    subscriber of /control."""

    async def both(self):
        client, control = await self.connect(self.url), await self.control()
        await self.subscribed(client, new(STATES))
        self.addAsyncCleanup(client.close)
        self.addAsyncCleanup(control.close)
        return client, control

    def holds(self, answer):
        """A call answers with the state of the deck."""
        got = self.deck()
        for d in (answer, got):
            del d["lateness_ns"]
        self.assertEqual(got, answer)

    async def test_play_pause_step(self):
        self.serve()
        client, control = await self.both()
        self.holds(answer := self.post("step"))
        self.assertEqual((self.at(answer), answer["frames"], answer["playing"]), (0, 1, False))
        self.holds(answer := self.post("step"))
        self.assertEqual((self.at(answer), answer["frames"]), (1, 2))
        self.assertEqual(await self.numbers(client, 2), [0, 1])
        await self.changed(control, lambda d: d["frames"] == 2 and self.at(d) == 1)
        self.post("speed", speed=10)
        self.assertTrue(self.post("play")["playing"])
        await self.changed(control, lambda d: d["playing"])
        self.assertEqual(await self.numbers(client, 3), [2, 3, 4])
        self.holds(answer := self.post("pause"))
        self.assertEqual((answer["playing"], answer["ended"]), (False, False))
        got = await self.changed(control, lambda d: not d["playing"])
        self.assertEqual((got["time_ns"], got["frames"]), (answer["time_ns"], answer["frames"]))
        self.assertGreaterEqual(self.at(answer), 4)
        # The messages up to here, and then only the next one.
        left = answer["frames"] - 5
        self.assertEqual(await self.numbers(client, left), list(range(5, 5 + left)))
        self.post("step")
        self.assertEqual(await self.numbers(client, 1), [5 + left])

    async def test_the_end_and_anew(self):
        self.serve()
        client, control = await self.both()
        self.post("speed", speed="max")
        self.post("play")
        self.assertEqual(await self.numbers(client, self.N), list(range(self.N)))
        got = await self.changed(control, lambda d: d["ended"])
        self.assertEqual((got["playing"], got["frames"], got["time_ns"]), (False, self.N, T0 + (self.N - 1) * S + 1))
        self.holds(answer := self.post("step"))  # there is nothing more
        self.assertEqual((answer["ended"], answer["frames"]), (True, self.N))
        self.holds(self.post("pause"))
        self.post("speed", speed=1)
        answer = self.post("play")
        self.assertEqual((answer["playing"], answer["ended"]), (True, False))
        self.assertLess(self.at(answer), 1)
        self.assertEqual(await self.numbers(client, 1), [0])
        self.assertEqual((await self.changed(control, lambda d: d["playing"]))["ended"], False)
        # After a seek back from the end, playing continues from there.
        self.post("speed", speed="max")
        await self.changed(control, lambda d: d["ended"])
        await self.numbers(client, self.N - 1)
        answer = self.post("seek", to="+18500ms")
        self.assertEqual((answer["ended"], answer["frames"]), (False, 2 * self.N))
        self.assertEqual(sorted(await self.numbers(client, 2)), [17, 18])

    async def test_seek(self):
        """The states of the place, at once."""
        self.serve()
        client, control = await self.both()
        for to, want in (("+5500ms", [4, 5]), ("2026-03-01T12:51:46Z", [1, 2]), ("-1s", [16, 17]), (str(T0 // S + 9), [7, 8]),
                         (T0 // S + 9, [7, 8]), ("@%d" % (T0 + 9 * S + 1), [8, 9]), ("+1000s", [18, 19])):
            with self.subTest(to):
                answer = self.post("seek", to=to)
                self.holds(answer)
                self.assertEqual(sorted(await self.numbers(client, 2)), want)
                await self.changed(control, lambda d, ns=answer["time_ns"]: d["time_ns"] == ns)
        self.assertEqual(self.at(self.post("seek", to="+0s")), 0)
        self.assertEqual(self.at(self.post("seek", to="2020-01-01")), 0)  # before the start is the start
        self.post("seek", to="+7s")
        await self.numbers(client, 2)
        self.assertEqual(self.at(self.post("step")), 7)
        self.assertEqual(await self.numbers(client, 1), [7])

    async def test_speed(self):
        self.serve()
        _, control = await self.both()
        for given, want in ((2, 2), (0.5, 0.5), ("max", "max"), ("0.1", 0.1), (1000, 1000), ("2.500000", 2.5)):
            self.holds(answer := self.post("speed", speed=given))
            self.assertEqual(answer["speed"], want)
            await self.changed(control, lambda d, want=want: d["speed"] == want)

    async def test_loop(self):
        """It moves back at B, and sends the states of A again."""
        self.serve()
        client, control = await self.both()
        self.holds(answer := self.post("loop", from_="+4s", to="+7s"))
        self.assertEqual(answer["loop"], {"from_ns": T0 + 4 * S, "to_ns": T0 + 7 * S})
        await self.changed(control, lambda d: d["loop"] == answer["loop"])
        self.post("seek", to="+4s")
        self.assertEqual(sorted(await self.numbers(client, 2)), [2, 3])
        self.post("speed", speed=100)
        self.post("play")
        for _ in range(3):
            self.assertEqual(await self.numbers(client, 3), [4, 5, 6])
            self.assertEqual(sorted(await self.numbers(client, 2)), [2, 3])
        self.assertIsNone(self.post("loop")["loop"])
        self.assertEqual((await self.changed(control, lambda d: d["loop"] is None))["playing"], True)
        await self.changed(control, lambda d: d["ended"])
        # At the end of the tape, too.
        self.post("loop", from_="+18s", to="+60s")
        self.post("speed", speed="max")
        self.post("seek", to="+19s")
        self.post("play")
        await self.changed(control, lambda d: d["frames"] > 40)
        self.post("pause")

    async def test_window(self):
        self.serve()
        client, control = await self.both()
        self.holds(answer := self.post("window", from_="+5s", to="+8s"))
        self.assertEqual((answer["window"], self.at(answer)), ({"from_ns": T0 + 5 * S, "to_ns": T0 + 8 * S}, 5))
        self.assertEqual(sorted(await self.numbers(client, 2)), [3, 4])
        self.post("speed", speed="max")
        self.post("play")
        self.assertEqual(await self.numbers(client, 3), [5, 6, 7])
        self.assertEqual((await self.changed(control, lambda d: d["ended"]))["frames"], 3)
        self.post("pause")
        self.assertEqual(self.at(self.post("seek", to="+1s")), 5)  # not before it
        self.holds(answer := self.post("window", to="+6s"))
        self.assertEqual(answer["window"], {"from_ns": None, "to_ns": T0 + 6 * S})
        self.holds(answer := self.post("window", from_=None, to=None))
        self.assertIsNone(answer["window"])
        await self.changed(control, lambda d: d["window"] is None)

    async def test_filter(self):
        rows = self.rows()
        rows[4:4] = [(3 * S + 1, life(10001, "block")), (3 * S + 2, life(10001, "unblock"))]
        self.serve(self.tape("t.tape", rows))
        _, control = await self.both()
        self.holds(answer := self.post("filter", sources=[10002, "a,b", "é\"\\"], events=["state"]))
        want = {"sources": ["10002", "a,b", "é\"\\"], "events": ["state"]}
        self.assertEqual(answer["filter"], want)
        await self.changed(control, lambda d: d["filter"] == want)
        self.assertEqual([self.at(self.post("step")) for _ in range(3)], [1, 3, 5])
        self.assertEqual(self.post("filter", events=["lifecycle"])["filter"], {"sources": [], "events": ["lifecycle"]})
        self.post("seek", to="+0s")
        self.assertEqual([self.post("step")["time_ns"] - T0 for _ in range(2)], [3 * S + 1, 3 * S + 2])
        self.holds(answer := self.post("filter"))
        self.assertEqual((answer["filter"], answer["frames"]), ({"sources": [], "events": []}, 5))
        await self.changed(control, lambda d: d["frames"] == 5 and not d["filter"]["events"])

    async def test_an_own_deck_is_not_touched(self):
        self.serve()
        async with self.connect(self.url, PATH + "?deck=own") as own:
            await self.subscribed(own, new(STATES))
            for call, body in (("speed", {"speed": "max"}), ("window", {"from_": "+5s"}), ("filter", {"sources": [1]}),
                               ("seek", {"to": "+7s"}), ("play", {})):
                self.post(call, **body)
            self.wait_until("the end of the shared deck", lambda: self.deck()["ended"])
            await own.send("{}")
            self.assertEqual((await self.recv_json(own))["type"], "error")
        self.assertEqual(self.deck()["frames"], 0)

    async def test_two_tapes(self):
        self.serve(self.tape("a.tape", [(i * 2 * S, moved(1, 2 * i)) for i in range(5)]),
                   self.tape("b.tape", [(i * 2 * S + S, moved(2, 2 * i + 1)) for i in range(5)]))
        client, _ = await self.both()
        self.assertEqual([self.at(self.post("step")) for _ in range(4)], [0, 1, 2, 3])
        self.assertEqual(await self.numbers(client, 4), [0, 1, 2, 3])
        self.post("seek", to="+6500ms")
        self.assertEqual(sorted(await self.numbers(client, 2)), [5, 6])
        self.post("step")
        self.assertEqual(await self.numbers(client, 1), [7])


class Errors(DeckCase):
    CASES = (
        ("seek", '{"to":"soon"}', "bad time"), ("seek", "{}", "seek needs"), ("seek", "", "seek needs"), ("seek", '{"to":null}', "needs"),
        ("seek", '{"to":{}}', "to must be"), ("seek", '{"to":true}', "to must be"),
        ("seek", '{"to":"a\\u0000b"}', "NUL"), ("seek", '{"at":"+1s"}', "unknown member \"at\": seek takes to"),
        ("seek", '{"to":"+1s","To":1}', "\"To\""), ("seek", '{"to":"mark:nosuch"}', "nosuch"), ("seek", '{"to":', "JSON"),
        ("seek", '["+1s"]', "JSON object"), ("play", '{"speed":1}', "play takes no members"),
        ("pause", '{"x":1}', "pause"), ("step", '{"n":2}', "step"), ("step", "x", "JSON"),
        ("speed", "{}", "speed needs"), ("speed", '{"speed":0}', "bad speed '0'"), ("speed", '{"speed":-1}', "bad speed"),
        ("speed", '{"speed":0.09}', "bad speed"), ("speed", '{"speed":1001}', "bad speed"), ("speed", '{"speed":"fast"}', "bad speed"),
        ("speed", '{"speed":[1]}', "must be"), ("speed", '{"sped":1}', "sped"),
        ("loop", '{"from":"+1s"}', "both"), ("loop", '{"to":"+1s"}', "both"), ("loop", '{"from":"+2s","to":"+1s"}', "from must be before"),
        ("loop", '{"from":"+1s","to":"+1s"}', "from must be before"), ("loop", '{"from":"x","to":"+1s"}', "bad time"),
        ("loop", '{"form":"+1s","to":"+2s"}', "unknown member \"form\": loop takes from and to"),
        ("window", '{"from":"+2s","to":"+1s"}', "from must be before"), ("window", '{"from":"+1s","to":"x"}', "bad time"),
        ("window", '{"until":"+1s"}', "until"), ("filter", '{"sources":"1"}', "sources must be a list"),
        ("filter", '{"sources":[null]}', "null"), ("filter", '{"events":[{}]}', "events must be"), ("filter", '{"source":[1]}', "source"),
        ("filter", '{"events":{"a":1}}', "list"), ("filter", dump({"sources": ["x" * 300]}), "1 to 255"))

    def test_errors(self):
        """Each is reported, and nothing is changed."""
        self.serve()
        self.post("seek", to="+3s")
        self.post("window", from_="+1s", to="+9s")
        self.post("loop", from_="+2s", to="+5s")
        before = self.post("filter", sources=[10001])
        for call, body, words in self.CASES:
            with self.subTest(call=call, body=body[:60]):
                status = 404 if "nosuch" in body else 400
                self.refused(status, words, "POST", "/api/deck/" + call, body.encode())
        self.assertEqual(self.deck(), before)
        self.assertEqual(self.metrics().count("evtape_replay_refused_total %d\n" % len(self.CASES)), 1)

    def test_a_lone_surrogate(self):
        """Answers stay JSON in UTF-8."""
        self.serve()
        self.assertIn(self.request("POST", "/api/deck/filter", b'{"sources":["\\ud800"]}')[0], (200, 400))
        self.assertEqual(self.deck()["frames"], 0)

    def test_bodies_of_curl(self):
        """With each content type that curl sends, and without one."""
        self.serve()
        for args in (["-d", '{"to":"+2s"}'], ["--json", '{"to":"+2s"}'], ["-H", "Content-Type: text/plain", "-d", ' {"to" : "+2s"}\n']):
            self.post("seek", to="+0s")
            done = subprocess.run(["curl", "-sS", "--fail", *args, self.url.replace("ws", "http") + "/api/deck/seek"],
                                  stdout=subprocess.PIPE, check=True)
            self.assertEqual(self.at(json.loads(done.stdout)), 2)
        for body in (None, b"", b"{}", b" {\n}\t"):
            status, _, answer = self.request("POST", "/api/deck/pause", body)
            self.assertEqual((status, json.loads(answer)["playing"]), (200, False))


class Control(DeckCase):
    """Subscribers of /control."""

    async def test_deck_at_once_and_at_each_change(self):
        self.serve()
        async with self.control() as a, self.control() as b:
            for ws in (a, b):
                first = await self.recv_json(ws)
                self.assertEqual((list(first), first["type"], set(first["deck"])), (["type", "deck"], "deck", set(self.deck())))
            await self.changed(a, lambda d: d["clients"]["control"] == 2)
            for call, body, good in (
                    ("seek", {"to": "+3s"}, lambda d: self.at(d) == 3), ("speed", {"speed": 7}, lambda d: d["speed"] == 7),
                    ("loop", {"from_": "+1s", "to": "+2s"}, lambda d: d["loop"]), ("loop", {}, lambda d: not d["loop"]),
                    ("filter", {"sources": [1]}, lambda d: d["filter"]["sources"] == ["1"]), ("filter", {}, lambda d: not d["filter"]["sources"]),
                    ("window", {"to": "+9s"}, lambda d: d["window"]), ("window", {}, lambda d: not d["window"]),
                    ("step", {}, lambda d: d["frames"] == 1), ("play", {}, lambda d: d["playing"]), ("pause", {}, lambda d: not d["playing"])):
                self.post(call, **body)
                for ws in (a, b):
                    await self.changed(ws, good)
            async with self.connect(self.url) as client:
                await self.changed(a, lambda d: d["clients"]["standin"] == 1)
                await client.close()
            await self.changed(a, lambda d: d["clients"]["standin"] == 0)

    async def test_each_second_while_it_plays(self):
        self.serve(self.tape("t.tape", [(0, moved(1, 1)), (3600 * S, moved(1, 2))]))
        async with self.control() as ws:
            self.post("play")
            times = [(await self.changed(ws, lambda d: d["playing"]))["time_ns"] for _ in range(3)]
            self.assertEqual(times, sorted(set(times)))
            self.post("pause")

    async def test_neither(self):
        """A subscriber to the deck alone gets nothing else, whatever frames are played."""
        rows = [(0, moved(1, 1)), (1, "X"), (2, life(1, "block")), (3, life(1, "corrupt")), (4, dump({
            "type": "event", "event": "logout", "data": "session closed"})), (5, "%d received 2 1 hex:ff00" % T0), (6, state("a", 1))]
        self.serve(self.tape("t.tape", [r if isinstance(r[1], str) and "received" not in r[1] else r[1] + "\n" for r in rows]))
        async with self.control() as ws:
            self.post("speed", speed="max")
            for _ in range(3):
                self.post("play")
                types = set()
                while True:
                    m = await self.recv_json(ws)
                    types.add(m["type"])
                    if m["type"] == "deck" and m["deck"]["ended"]:
                        break
                self.assertEqual(types, {"deck"})
                self.post("pause")
                self.post("seek", to="+0s")
                await self.changed(ws, lambda d: not d["ended"])
        self.assertEqual(self.deck()["frames"], 21)

    async def test_states(self):
        """All at first and after a seek, and then those that changed."""
        self.serve(self.tape("t.tape", [(0, moved(1, 1)), (S, moved("a", 2)), (2 * S, moved(1, 3)), (3 * S, life("a", "block")),
                                        (4 * S, moved(2, 4)), (5 * S, moved(2, 5))]))

        async def told(ws):
            m = await self.message(ws, "states")
            self.assertEqual(set(m), {"type", "reset", "at_ns", "sources"})
            self.assertLessEqual(m["at_ns"], T0 + 10 * S)
            return m["reset"], {s["id"]: (s["lat"], s["blocked"]) for s in m["sources"] if s["time_ns"] is not None}
        async with self.control("states") as ws:
            self.assertEqual(await told(ws), (True, {}))
            for want in ({1: (1, False)}, {"a": (2, False)}, {1: (3, False)}, {"a": (2, True)}, {2: (4, False)}):
                self.post("step")
                self.assertEqual(await told(ws), (False, want))
            self.post("seek", to="+1500ms")
            self.assertEqual(await told(ws), (True, {1: (1, False), "a": (2, False)}))
            self.post("step")
            self.assertEqual(await told(ws), (False, {1: (3, False)}))
            async with self.control("frames,states") as late:
                self.assertEqual(await told(late), (True, {1: (3, False), "a": (2, False)}))
                self.post("step")
                for one in (ws, late):
                    self.assertEqual(await told(one), (False, {"a": (2, True)}))
            # The same objects as of the API.
            self.post("seek", to="+4500ms")
            m = await self.message(ws, "states")
            self.assertEqual((m["reset"], m["sources"]), (True, self.get("sources")["sources"]))

    async def test_frames(self):
        """The newest 40, as the lines of `evtape cat`; the rest is counted."""
        tape = self.tape("t.tape", [(i * MS, moved(i % 7, i % 90)) for i in range(500)])
        self.serve(tape)
        want = evtest.frames(tape)
        async with self.control("frames") as ws:
            for i in range(2):
                self.post("step")
                m = await self.message(ws, "frames")
                self.assertEqual((set(m), m["frames"], m["skipped"]), ({"type", "frames", "skipped"}, [want[i]], 0))
            self.post("speed", speed="max")
            self.post("play")
            seen, skipped, last = 0, 0, None
            while seen + skipped < 498:
                m = await self.message(ws, "frames")
                self.assertLessEqual(len(m["frames"]), 40)
                seen, skipped, last = seen + len(m["frames"]), skipped + m["skipped"], m["frames"]
            self.assertEqual((seen + skipped, last), (498, want[500 - len(last):]))
            self.assertGreater(skipped, 0)

    async def test_large_frames_are_counted(self):
        self.serve(self.tape("t.tape", [(0, moved(1, 1, pad="x" * (128 << 10))), (S, moved(1, 2))]))
        async with self.control("frames") as ws:
            self.post("step")
            m = await self.message(ws, "frames")
            self.assertEqual((m["frames"], m["skipped"]), ([], 1))
            self.post("step")
            self.assertEqual(len((await self.message(ws, "frames"))["frames"]), 1)

    async def test_what_is_wanted(self):
        """Members of with= that are unknown are passed over."""
        self.serve()
        for with_, want in (("states,frames", {"deck", "states", "frames"}), ("frames", {"deck", "frames"}), ("states", {"deck", "states"}),
                            ("frames,states,weather", {"deck", "states", "frames"}), ("stat", {"deck"}), (",", {"deck"}),
                            ("statesframes", {"deck"})):
            with self.subTest(with_):
                async with self.control(with_) as ws, self.control("states,frames") as other:
                    self.post("seek", to="+3s")
                    await self.message(other, "states", lambda m: m["reset"] and m["sources"])
                    self.post("step")
                    await self.message(other, "frames")
                    self.post("speed", speed=7)
                    types, m = set(), {"type": None}
                    while m["type"] != "deck" or m["deck"]["speed"] != 7:
                        m = await self.recv_json(ws)
                        types.add(m["type"])
                    self.post("speed", speed=1)
                    self.assertEqual(types, want)

    async def test_what_a_client_sends_is_ignored(self):
        self.serve()
        async with self.control("states,frames") as ws:
            before = self.deck()
            for text in ("{}", "X", '{"action":"subscribe","hash":"h","events":["state"],"trackers":[10001]}', b"\0\xff", "", '{"type":"play"}'):
                await ws.send(text)
            await (await ws.ping())
            self.post("speed", speed=3)
            await self.changed(ws, lambda d: d["speed"] == 3)
            self.assertEqual(dict(self.deck(), speed=1, controls=0), before)

    async def test_live(self):
        """A tape that is being recorded: its end is reported, and the deck waits there."""
        tape = self.path("live.tape")
        rec = self.start("evtape-record", "-", "-o", tape, stdin=subprocess.PIPE)

        def record(n):
            rec.popen.stdin.write(moved(1, n).encode() + b"\n")
            rec.popen.stdin.flush()
        record(1)
        self.wait_until("the tape", lambda: os.path.exists(os.path.join(tape, "journal", "lock")) and
                        evtest.info(tape)["frames"] >= 1)
        self.serve(tape)
        self.assertEqual((self.get("tape")["live"], self.get("tape")["tapes"][0]["live"]), (True, True))
        async with self.control("states") as ws:
            first = await self.message(ws, "tape")
            self.assertEqual((set(first), first["frames"]), ({"type", "last", "last_ns", "frames"}, 2))
            self.assertRegex(first["last"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$")
            self.assertFalse(self.deck()["live"])
            self.post("play")
            got = await self.changed(ws, lambda d: d["live"])
            self.assertEqual((got["playing"], got["ended"]), (True, False))
            record(2)
            got = await self.messages(ws, tape=lambda m: m["last_ns"] > first["last_ns"], states=lambda m:
                                      not m["reset"] and m["sources"] and m["sources"][0]["lat"] == 2)
            self.assertEqual(got["states"]["sources"][0]["time_ns"], evtest.frames(tape, "--event", "state")[-1]["time_ns"])
            run("evtape", "mark", tape, "here")
            self.wait_until("the mark", lambda: [x for x in self.get("marks")["marks"] if x.get("text") == "here"])
            rec.popen.stdin.close()
            rec.finish()
            await self.changed(ws, lambda d: d["ended"])
        self.wait_until("the end", lambda: not self.get("tape")["live"])


class Metrics(DeckCase):
    """The text form of Prometheus, read strictly."""

    def parse(self):
        """name{labels}: value, after the form was checked."""
        text, found, family, said = self.metrics(), {}, None, {}
        self.assertTrue(text.endswith("\n"))
        for line in text[:-1].split("\n"):
            head = re.match(r"# (HELP|TYPE) ([a-z_]+) (\S.*)$", line)
            if head:
                word, name, rest = head.groups()
                if word == "HELP":
                    self.assertNotIn(name, said)
                    family = name
                    said[name] = None
                else:
                    self.assertEqual((name, said[name]), (family, None), "TYPE stands behind HELP, once")
                    said[name] = rest
                    self.assertIn(rest, ("counter", "gauge", "histogram"))
                continue
            name, labels, value = re.match(r'([a-z_]+)((?:\{[a-z]+="[^"\\\n]*"\})?) (\S+)$', line).groups()
            base = re.sub(r"_(bucket|sum|count)$", "", name) if said[family] == "histogram" else name
            self.assertEqual(base, family)
            self.assertTrue(name.startswith("evtape_replay_"))
            self.assertEqual(said[family] == "counter", name.endswith("_total"))
            self.assertNotIn(name + labels, found)
            found[name + labels] = float(value)
        return found

    def check_histogram(self, found):
        name = "evtape_replay_lateness_seconds"
        buckets = [(float(k[len(name) + len('_bucket{le="'):-2]), v) for k, v in found.items() if k.startswith(name + "_bucket")]
        self.assertEqual(buckets, sorted(buckets))
        self.assertEqual([v for _, v in buckets], sorted(v for _, v in buckets))
        self.assertEqual(buckets[-1], (float("inf"), found[name + "_count"]))
        self.assertGreaterEqual(found[name + "_sum"], 0)

    async def test_form_and_counts(self):
        self.serve()
        first = self.parse()
        self.check_histogram(first)
        for name in METRICS:
            self.assertIn("evtape_replay_%s_total" % name, first)
        self.assertEqual(first["evtape_replay_frames_total"], 0)
        async with self.connect(self.url) as client, self.control("states") as ws:
            await self.subscribed(client, new(STATES))
            for _ in range(3):
                self.post("step")
            await self.numbers(client, 3)
            await self.message(ws, "states", lambda m: not m["reset"])
            now = self.parse()
            self.assertEqual((now["evtape_replay_frames_total"], now["evtape_replay_clients_total"]), (3, 2))
            self.assertEqual([now['evtape_replay_clients{kind="%s"}' % k] for k in ("stream", "standin", "control")], [0, 1, 1])
            self.assertEqual(now["evtape_replay_requests_total"] - first["evtape_replay_requests_total"], 4)
            self.assertGreaterEqual(now["evtape_replay_deliveries_total"], 3)
            self.post("speed", speed=100)
            self.post("play")
            await self.changed(ws, lambda d: d["ended"])
        end = self.parse()
        self.check_histogram(end)
        self.assertGreater(end["evtape_replay_lateness_seconds_count"], 0)
        self.assertEqual(end["evtape_replay_frames_total"], self.N)
        self.request("GET", "/nothing")
        self.assertEqual(self.parse()["evtape_replay_refused_total"], 1)
        self.assertEqual(self.parse()["evtape_replay_failed_total"], 0)

    async def test_counters_never_fall(self):
        self.serve()
        was = self.parse()
        for call, body in (("speed", {"speed": "max"}), ("play", {}), ("filter", {"sources": [10001]}), ("play", {}), ("window", {"from_": "+5s"}),
                           ("filter", {}), ("seek", {"to": "+7s"}), ("play", {}), ("window", {}), ("loop", {"from_": "+1s", "to": "+2s"}),
                           ("loop", {}), ("step", {}), ("play", {})):
            self.post(call, **body)
            if call == "play":
                self.wait_until("the end", lambda: self.deck()["ended"])
            now = self.parse()
            self.check_histogram(now)
            for name, value in now.items():
                if "_clients{" not in name:
                    self.assertGreaterEqual(value, was[name], name)
            if call == "play":
                self.assertEqual(now["evtape_replay_frames_total"], self.deck()["frames"])
            was = now

    async def test_streams(self):
        self.serve(paused=False)
        async with self.connect(self.url, "/stream?speed=max") as ws:
            got, code = await self.drain(ws)
        self.assertEqual((len(got), code), (self.N, 1000))
        now = self.parse()
        self.assertEqual((now["evtape_replay_frames_total"], now["evtape_replay_deliveries_total"], now["evtape_replay_sent_bytes_total"]),
                         (self.N, self.N, sum(len(m.encode()) for m in got)))
        self.assertEqual(self.deck()["frames"], 0)


if __name__ == "__main__":
    unittest.main()
