"""The stand-in of evtape-replay: the platform's protocol, from a tape. The rules
of the events document are one set of tests, which the simulator and the
stand-in both pass."""

import asyncio
import contextlib
import datetime
import hashlib
import json
import os
import re
import shutil
import time
import unittest

import evtest
from simcase import ALL, ATMO, HASH, PATH, STATES, SimCase, new, old
from test_replay import MS, T0
from test_replay_ws import SLOW, Raw, WsCase

BATCHES = {"type": "state_batch", "target": ALL, "rate_limit": "1s"}
LOGOUT = {"type": "event", "event": "logout", "data": "session closed"}


def gps(source, n, time="2026-03-01 06:51:43", **more):
    """A state of a user whose clock is six hours before UTC."""
    return dict({"source_id": source, "gps": {"updated": time, "location": {"lat": n, "lng": -n}, "speed": n},
                 "connection_status": "active", "gsm": None, "last_update": time, "battery_level": n,
                 "inputs": [], "actual_track_update": time}, **more)


def dump(value):
    return json.dumps(value, separators=(",", ":"))


def state(source, n, **more):
    return dump({"type": "event", "event": "state", "user_time": "2026-03-01 06:51:43", "data": gps(source, n, **more)})


def batch(*states):
    return dump({"type": "event", "event": "state_batch", "user_time": "2026-03-01 06:51:43",
                 "data": [{"type": "source_state_event", "state": s} for s in states]})


def life(source, what):
    return dump({"type": "event", "event": "lifecycle", "data": {"source_id": source, "lifecycle_event": what}})


class Rules:
    """Tests that the platform, the simulator and the stand-in must all pass. feed()
    starts a server and returns its URL."""

    async def test_both_request_forms(self):
        url = await self.feed("--trackers", 3, "--rate", 50)
        async with self.connect(url) as ws:
            answer = await self.subscribed(ws, old([1, 3, 77]))
            self.assertEqual(answer["action"], "subscription/subscribe")
            self.assertEqual(answer["events"], ["state"])
            self.assertEqual(answer["data"], {"state": {"1": "normal", "3": "normal", "77": "unknown"}})
            self.assertIn((await self.recv_json(ws))["data"]["source_id"], (10001, 10003))
        async with self.connect(url) as ws:
            answer = await self.subscribed(ws, new(STATES, BATCHES))
            every = {"1": "normal", "2": "normal", "3": "normal"}
            self.assertEqual(answer["data"], {"state": {"value": every, "success": True},
                                              "state_batch": {"value": every, "success": True}})

    async def test_errors(self):
        url = await self.feed("--trackers", 2, "--rate", 50)
        async with self.connect(url) as ws:
            for text, action, code in (
                    ("{", None, 5), ("[]", None, 5), ("{}", None, 7), ('{"action":"dance"}', None, 7),
                    ('{"action":"subscribe"}', "subscription/subscribe", 7),
                    ('{"action":"subscribe","events":["state"]}', "subscription/subscribe", 7),
                    (new({"type": "state"}), "subscription/subscribe", 7),
                    (new({"type": "weather", "target": ALL}), "subscription/subscribe", 7),
                    ('{"action":"unsubscribe","requests":[]}', "subscription/unsubscribe", 7)):
                await ws.send(text)
                got = await self.recv_json(ws)
                self.assertEqual((got["type"], got["action"], got["status"]["code"]), ("error", action, code), text)

    async def test_states_at_once(self):
        """Those of the subscribed sources, before anything else."""
        url = await self.feed("--trackers", 20, "--rate", 200, at="+1s")
        async with self.connect(url) as ws:
            await self.subscribed(ws, old(list(range(1, 19))))
            got = [await self.recv_json(ws) for _ in range(18)]
            self.assertEqual(sorted(m["data"]["source_id"] for m in got), list(range(10001, 10019)))
            self.assertEqual({m["event"] for m in got}, {"state"})
            self.assertIn("user_time", got[0])
            # Later ones are of the subscribed alone.
            for _ in range(50):
                self.assertLess((await self.recv_json(ws))["data"]["source_id"], 10019)

    async def test_batch_at_once(self):
        url = await self.feed("--trackers", 5, "--rate", 100, at="+1s")
        async with self.connect(url) as ws:
            await self.subscribed(ws, new(BATCHES))
            for _ in range(2):
                m = await self.recv_json(ws)
                self.assertEqual(m["event"], "state_batch")
                self.assertEqual([i["type"] for i in m["data"]], ["source_state_event"] * 5)
                self.assertEqual(sorted(i["state"]["source_id"] for i in m["data"]), list(range(10001, 10006)))

    async def test_unsubscribe(self):
        url = await self.feed("--trackers", 3, "--rate", 100)
        async with self.connect(url) as ws:
            await self.subscribed(ws, new(STATES))
            await ws.send(dump({"action": "unsubscribe", "hash": HASH, "requests": [
                {"type": "state", "target": {"type": "selected", "tracker_ids": [1, 2]}}]}))
            while (m := await self.recv_json(ws))["type"] != "response":
                pass
            self.assertEqual(m["action"], "subscription/unsubscribe")
            for _ in range(5):
                self.assertEqual((await self.recv_json(ws))["data"]["source_id"], 10003)

    async def test_blocked_is_silent(self):
        """No state of a blocked source; at once the current one when it is
        unblocked."""
        url = await self.feed("--trackers", 3, "--rate", 300, "--block-every", "100ms")
        async with self.connect(url) as ws:
            answer = await self.subscribed(ws, old([1, 2, 3]))
            blocked = {10000 + int(t) for t, status in answer["data"]["state"].items() if status == "blocked"}
            # As if it had been informed of them.
            seen, unblocked = ["block"] * len(blocked), set()
            while seen.count("unblock") < 4:
                m = await self.recv_json(ws)
                source = m["data"]["source_id"]
                if m["event"] == "lifecycle":
                    seen.append(m["data"]["lifecycle_event"])
                    (blocked.add if seen[-1] == "block" else blocked.discard)(source)
                    unblocked = {source} if seen[-1] == "unblock" else set()
                    continue
                self.assertNotIn(source, blocked)
                self.assertIn(source, unblocked or {source})
                unblocked = set()
            self.assertEqual(seen, ["block", "unblock"] * 4)

    async def test_lifecycle_is_for_subscribers_of_states(self):
        url = await self.feed("--trackers", 1, "--rate", 300, "--block-every", "50ms")
        async with self.connect(url) as values, self.connect(url) as ws:
            await self.subscribed(values, new({"type": "iot_monitor", "target": ALL, "rate_limit": "1h"}))
            await self.subscribed(ws, new(BATCHES))
            for _ in range(4):
                while (await self.recv_json(ws))["event"] != "lifecycle":
                    pass
            # All messages to the other client up to the answer to its next request.
            await values.send("{}")
            while (m := await self.recv_json(values))["type"] != "error":
                self.assertEqual(m["event"], "iot_monitor")

    # The simulator does these once, and counts from its start: on a busy machine
    # a client may come too late for 0.3 s.
    AFTER = 0.3, 3, 30

    async def test_corrupt_ends_a_source(self):
        async def attempt(after):
            start = time.monotonic()
            url = await self.feed("--trackers", 2, "--rate", 100, "--corrupt-after", after, seconds=after)
            async with self.connect(url) as ws:
                await self.subscribed(ws, new(STATES))
                if self.too_late("lifecycle", start + after):
                    return False
                while (m := await self.recv_json(ws))["event"] != "lifecycle":
                    pass
                self.assertEqual(m["data"]["lifecycle_event"], "corrupt")
                gone = m["data"]["source_id"]
                for _ in range(20):
                    self.assertNotEqual((await self.recv_json(ws))["data"]["source_id"], gone)
                await ws.send(old([gone - 10000]))
                while (m := await self.recv_json(ws))["type"] != "response":
                    pass
                self.assertEqual(m["data"]["state"], {str(gone - 10000): "unknown"})
                return True
        await self.patiently_async(attempt, *self.AFTER)

    async def test_logout_ends_subscriptions(self):
        async def attempt(after):
            start = time.monotonic()
            url = await self.feed("--trackers", 2, "--rate", 100, "--logout-after", after, seconds=after)
            async with self.connect(url) as ws, self.connect(url) as idle:
                await self.subscribed(ws, old([1]))
                if self.too_late("logout", start + after):
                    return False
                while await self.recv_json(ws) != LOGOUT:
                    pass
                # The next message is the answer: no state came in between, and a client
                # without a subscription was told nothing.
                for client in (ws, idle):
                    await client.send("{}")
                    self.assertEqual((await self.recv_json(client))["type"], "error")
                return True
        await self.patiently_async(attempt, *self.AFTER)

    async def test_compact(self):
        url = await self.feed("--trackers", 2, "--rate", 50, at="+1s")
        async with self.connect(url) as ws:
            await self.subscribed(ws, new(dict(STATES, format="compact")))
            for _ in range(4):
                data = (await self.recv_json(ws))["data"]
                self.assertEqual(set(data), {"source_id", "gps", "connection_status", "movement_status", "last_update"})

    async def test_iso_datetime(self):
        url = await self.feed("--trackers", 2, "--rate", 50, at="+1s")
        async with self.connect(url) as ws:
            await self.subscribed(ws, new(dict(STATES, iso_datetime=True)))
            for _ in range(4):
                m = await self.recv_json(ws)
                for stamp in (m["user_time"], m["data"]["gps"]["updated"], m["data"]["last_update"]):
                    self.assertRegex(stamp, r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d$")

    async def test_atmosphere(self):
        url = await self.feed("--trackers", 1, "--rate", 10, "--heartbeat", "1")
        async with self.connect(url, PATH + "?" + ATMO % 0) as ws:
            first = await self.recv(ws)
            self.assertRegex(first, r"^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\|1000\|X\|$")
            await ws.send("X")  # ignored
            self.assertEqual(await self.recv(ws), "X")  # the server's own
        async with self.connect(url, PATH + "?" + ATMO % first.split("|", maxsplit=1)[0]) as ws:
            self.assertEqual(await self.recv(ws), "X")
            await self.subscribed(ws, old([1]))
        async with self.connect(url) as ws:
            # Nothing but JSON for all others, heartbeats included.
            await self.subscribed(ws, new(STATES))
            for _ in range(12):
                await self.recv_json(ws)

    async def test_paths(self):
        url = await self.feed("--trackers", 1, "--rate", 10)
        for path in ("/event/subscription", "/v2/event/subscription", "/api-v2/event/subscription",
                     "/api-v2/wse/subscription", "/event/subscription/"):
            async with self.connect(url, path) as ws:
                await self.subscribed(ws, old([1]))


class OfTheSimulator(Rules, SimCase):
    async def feed(self, *args, at=None, seconds=0):
        return self.sim(*args)

    def too_late(self, _event, when):
        """Whether an event of the simulator may have come before a subscription."""
        return time.monotonic() > when


class StandinCase(WsCase, SimCase):
    def serve_at(self, *args):
        """The server's address."""
        return self.serve(*args)[:-len("/stream")]

    def api(self, url, path, body=None):
        """The answers of `evtape-replay`'s API."""
        argv = ["curl", "-sS", "--max-time", str(evtest.DEADLINE), url.replace("ws://", "http://") + path]
        p = self.spawn(argv + ([] if body is None else ["-X", "POST", "-d", json.dumps(body)]))
        p.finish()
        return json.loads(p.out)


    def metric(self, url, name):
        p = self.spawn(["curl", "-sS", "--max-time", str(evtest.DEADLINE), url.replace("ws://", "http://") + "/metrics"])
        p.finish()
        return float(re.search(rb"^evtape_replay_%s (\S+)$" % name.encode(), p.out, re.M).group(1))


class OfTheStandin(Rules, StandinCase):
    FRAMES = 400

    async def feed(self, *args, at=None, seconds=0):
        """A tape of the simulator's frames, so many seconds longer than usual, and the
        stand-in on it."""
        heart = list(args[args.index("--heartbeat"):][:2]) if "--heartbeat" in args else []
        ready, tape = self.path("sim"), self.path("feed.tape")
        shutil.rmtree(tape, True)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(ready)
        sim = self.start("evtape-sim", "--ready-file", ready, *map(str, args))
        self.wait_until("the simulator", lambda: os.path.exists(ready))
        with open(ready, encoding="ascii") as f:
            url = f.read().strip() + PATH
        n = int(args[args.index("--trackers") + 1])
        rate = int(args[args.index("--rate") + 1])
        env = dict(os.environ, EVTAPE_CREDENTIAL=HASH)
        recorder = self.start("evtape-record", url, "-o", tape, "--events", "state", "--trackers",
                              ",".join(str(i + 1) for i in range(n)), "--frames",
                              str(min(self.FRAMES, rate * 4) + int(rate * seconds)),
                              "--on-logout", "stop" if "--logout-after" in args else "reconnect", env=env)
        await asyncio.get_running_loop().run_in_executor(None, lambda: recorder.finish(check=None))
        sim.finish(evtest.SIGTERM)
        list_of = self.write("trackers.json", dump({"success": True, "list": [
            {"id": i + 1, "label": "Van %d" % (i + 1), "source": {"id": 10001 + i}} for i in range(n)]}))
        return self.serve_at(tape, "--trackers", list_of, *heart, *(["--from", at] if at else []))

    def too_late(self, event, _when):
        """Whether the recorder missed an event, or most that comes after it."""
        events = [f.get("event") for f in evtest.frames(self.path("feed.tape"))]
        return event not in events or (event != "logout" and len(events) < events.index(event) + 40)


class Tape(StandinCase):
    """Tests on hand-made tapes."""

    ASK = b'{"action":"subscribe","hash":"h","requests":[{"type":"state","target":{"type":"all"}}]}'

    async def all_of(self, ws, n):
        return [await self.recv(ws) for _ in range(n)]

    def at(self, ms, payload, conn=1):
        return "%d received 1 %d %s\n" % (T0 + ms * MS, conn, payload)

    async def test_bytes_are_kept(self):
        """Odd spacing, member order and escapes go out as they came."""
        odd = '{ "data" : {"source_id": 5,"x":"\\u00e9\\/","gps":{"speed":1.50}} ,"event":"state", "type":"event"}'
        rows = [self.at(0, odd), self.at(1, batch(gps(5, 1))),
                self.at(2, '{"type":"response","action":"subscription/subscribe","data":{}}'), self.at(3, "X"),
                self.at(4, '{"type":"event","event":"readings_batch","data":[{"type":"readings_event","tracker_id": 5}]}'),
                self.at(5, LIFE := life(6, "block")), self.at(6, dump(LOGOUT))]
        url = self.serve_at(self.tape("t.tape", rows))
        async with self.connect(url) as ws:
            await self.subscribed(ws, new(STATES, dict(BATCHES), {"type": "readings_batch", "target": ALL}))
            self.assertEqual(await self.all_of(ws, 5), [
                odd, rows[1].split(" ", 4)[4][:-1], rows[4].split(" ", 4)[4][:-1], LIFE, dump(LOGOUT)])

    async def test_batches_are_split_for_who_wants_states(self):
        rows = [self.at(0, batch(gps(5, 1), gps(6, 2))), self.at(10, batch(gps(6, 3)))]
        url = self.serve_at(self.tape("t.tape", rows))
        async with self.connect(url) as ws:
            await self.subscribed(ws, old([5, 6]))
            got = [json.loads(m) for m in await self.all_of(ws, 3)]
            self.assertEqual(got, [json.loads(state(5, 1)), json.loads(state(6, 2)), json.loads(state(6, 3))])

    async def test_states_are_gathered_for_who_wants_batches(self):
        rows = [self.at(i * 100, state(5 + i % 2, i)) for i in range(15)]
        url = self.serve_at(self.tape("t.tape", rows))
        async with self.connect(url) as ws:
            await self.subscribed(ws, new(dict(BATCHES, rate_limit="500ms")))
            got = [json.loads(m) for m in await self.all_of(ws, 3)]
            for m, last in zip(got, (4, 9, 14)):
                self.assertEqual(m["event"], "state_batch")
                self.assertEqual(m["user_time"], "2026-03-01 06:51:43")
                self.assertEqual({i["state"]["source_id"]: i["state"]["gps"]["speed"] for i in m["data"]},
                                 {5 + n % 2: n for n in (last - 1, last)})

    async def test_part_of_a_batch(self):
        rows = [self.at(0, batch(gps(5, 1), gps(6, 2), gps(7, 3)))]
        url = self.serve_at(self.tape("t.tape", rows))
        async with self.connect(url) as ws:
            await self.subscribed(ws, new({"type": "state_batch", "target": {"type": "selected", "tracker_ids": [5, 7]},
                                           "format": "compact"}))
            m = await self.recv_json(ws)
            self.assertEqual([i["state"]["source_id"] for i in m["data"]], [5, 7])
            self.assertNotIn("battery_level", m["data"][0]["state"])

    async def test_rate_limit_thins_out_batches(self):
        rows = [self.at(i * 100, batch(gps(5, i), gps(6, i))) for i in range(11)]
        url = self.serve_at(self.tape("t.tape", rows))
        async with self.connect(url) as ws:
            await self.subscribed(ws, new(dict(BATCHES, rate_limit="500ms")))
            got = [[i["state"]["gps"]["speed"] for i in json.loads(m)["data"]] for m in await self.all_of(ws, 3)]
            self.assertEqual(got[0], [0, 0])
            self.assertLess(got[1][0], got[2][0])
            self.assertGreaterEqual(got[1][0], 3)

    async def test_unblocking_without_a_state_on_the_tape(self):
        rows = [self.at(0, state(5, 1)), self.at(10, life(5, "block")), self.at(20, state(5, 2)),
                self.at(30, life(5, "unblock")), self.at(5000, state(6, 3))]
        url = self.serve_at(self.tape("t.tape", rows))
        async with self.connect(url) as ws:
            await self.subscribed(ws, old([5, 6]))
            self.assertEqual(await self.all_of(ws, 4), [state(5, 1), life(5, "block"), life(5, "unblock"), state(5, 2)])

    async def test_blocked_over_a_lost_connection(self):
        """Heard of again on the next one: it was unblocked meanwhile."""
        rows = [self.at(0, state(5, 1)), self.at(10, life(5, "block")), self.at(20, state(5, 2), conn=2)]
        url = self.serve_at(self.tape("t.tape", rows))
        async with self.connect(url) as ws:
            await self.subscribed(ws, old([5]))
            self.assertEqual(await self.all_of(ws, 4), [state(5, 1), life(5, "block"), life(5, "unblock"), state(5, 2)])

    async def test_blocked_from_the_start(self):
        """Only the platform's response to the recorder shows it."""
        def answer(**status):
            return dump({"type": "response", "action": "subscription/subscribe", "events": ["state"],
                         "data": {"state": {k[1:]: v for k, v in status.items()}}})

        wrapped = dump({"type": "response", "action": "subscription/subscribe", "events": ["state"], "data": {
            "state": {"value": {"5": "normal", "6": "blocked", "7": "normal"}, "success": True}}})
        rows = [self.at(0, answer(_5="normal", _6="blocked", _7="blocked")), self.at(1, state(5, 1)),
                self.at(10, life(7, "unblock")), self.at(11, state(7, 1)), self.at(20, life(5, "block")),
                "%d mark 1 2 {\"mark\":\"connected\"}\n" % (T0 + 1000 * MS),
                self.at(1001, wrapped, conn=2), self.at(1002, state(5, 2), conn=2),
                self.at(1003, state(7, 2), conn=2)]
        url = self.serve_at(self.tape("t.tape", rows), "--start-paused")
        async with self.connect(url) as ws:
            got = await self.subscribed(ws, old([5, 6, 7]))
            self.assertEqual(got["data"]["state"], {"5": "normal", "6": "blocked", "7": "blocked"})
            self.api(url, "/api/deck/play", {})
            self.assertEqual(await self.all_of(ws, 7), [
                state(5, 1), life(7, "unblock"), state(7, 1), life(5, "block"),
                life(5, "unblock"), state(5, 2), state(7, 2)])
            self.api(url, "/api/deck/seek", {"to": "+500ms"})
            self.assertEqual(await self.all_of(ws, 2), [life(5, "block"), state(7, 1)])
            async with self.connect(url) as other:
                got = await self.subscribed(other, old([5, 6, 7]))
                self.assertEqual(got["data"]["state"], {"5": "blocked", "6": "blocked", "7": "normal"})

    async def test_a_part_answers_as_the_whole_tape_there(self):
        """Whatever counts at the start of a part comes along when it is cut, merged or
        split off, and stays when the oldest segments are removed, or a tape is
        recovered or compressed again: the list of trackers, what is blocked, states."""
        def answer(**status):
            return dump({"type": "response", "action": "subscription/subscribe", "events": ["state"],
                         "data": {"state": {k[1:]: v for k, v in status.items()}}})

        trackers = dump({"mark": "trackers", "from": "list.json", "trackers": 4, "list": [
            {"id": i, "label": "Van %d" % i, "source": {"id": i + 10, "device_id": "x%d" % i}} for i in (1, 2, 3, 4)]})
        rows = ["%d mark 1 1 {\"mark\":\"connected\"}\n" % T0, "%d mark 9 1 %s\n" % (T0, trackers),
                self.at(1, answer(_1="normal", _2="blocked", _3="blocked", _4="normal"))]
        rows += [self.at(10 + i, state(11 + i % 4, i)) for i in range(40) if i % 4 not in (1, 2)]
        rows += [self.at(100, life(13, "unblock")), self.at(101, state(13, 1)), self.at(200, life(11, "block")),
                 self.at(300, life(14, "corrupt")), "rotate\n", self.at(2000, state(13, 2)), self.at(2500, life(11, "unblock")),
                 self.at(2501, state(11, 3)), "rotate\n", self.at(9000, state(13, 4))]
        tape = self.tape("t.tape", rows)
        ends = ("--from", "+1s", "--to", "+5s")
        parts = {"cut": ("cut", tape, *ends, "--state", "-o", self.path("cut.tape")),
                 "plain": ("cut", tape, *ends, "-o", self.path("plain.tape")),
                 "merge": ("merge", tape, tape, "--dedup", *ends, "-o", self.path("merge.tape")),
                 "split": ("split", tape, "--every", "1s", "-o", self.path("split"))}
        for argv in parts.values():
            evtest.run("evtape", *argv)
        # A part of a part, and parts that are left when the start goes.
        evtest.run("evtape", "cut", self.path("cut.tape"), "--from", "+500ms", "--state", "-o", self.path("again-cut.tape"))
        for name, last, code in (("gone.tape", [], 0), ("dead.tape", ["die\n"], -9)):
            path = self.tape(name, rows + last, code=code)
            keep = sum(os.path.getsize(os.path.join(tape, "%06d.ndjson.zst" % no)) for no in (2, 3))
            for _ in range(2):
                evtest.run("evtape", "gc", path, "--keep-size", "%dB" % keep)
                keep += os.path.getsize(os.path.join(path, "000001.ndjson.zst"))  # what it left
                evtest.run("evtape", "compact", "--level", "9", path)
            evtest.run("evtape", "verify", path)
            evtest.run("evtape", "recover", path, "-o", self.path("recovered-" + name))
        split, = (n for n in os.listdir(self.dir) if n.startswith("split-") and n.endswith("45Z.tape"))

        async def told(path, *options):
            """What a client is answered, and then gets; labels."""
            url = self.serve_at(path, "--start-paused", *options)
            labels = sorted((t["id"], t["label"]) for t in self.api(url, "/v2/tracker/list", {"hash": "h"})["list"])
            async with self.connect(url) as ws:
                got = await self.subscribed(ws, old([1, 2, 3, 4]))
                first = [await self.recv(ws)] if "state" in path or "cut" in path or path == tape else []
                self.api(url, "/api/deck/play", {})
                return labels, got["data"], first, await self.all_of(ws, 3)

        whole = await told(tape, *ends)
        self.assertEqual(whole[1]["state"], {"1": "blocked", "2": "blocked", "3": "normal", "4": "unknown"} | whole[1]["state"])
        self.assertEqual(await told(self.path("cut.tape")), whole)
        self.assertEqual(await told(self.path("again-cut.tape")), whole)
        received = [next(f["payload"]["received"] for f in evtest.frames(self.path(n)) if f.get("mark") == "state")
                    for n in ("cut.tape", "again-cut.tape")]
        self.assertEqual(received[0], received[1])
        for path in map(self.path, ("plain.tape", "merge.tape", "gone.tape", "dead.tape", "recovered-gone.tape",
                                    "recovered-dead.tape", split)):
            with self.subTest(path):
                labels, data, _, after = await told(path)
                self.assertEqual((labels, data), whole[:2])
                self.assertEqual(after[0], state(13, 2))

    async def test_what_a_recorder_keeps(self):
        """Retention while it records: what counted stays, however many segments go."""
        def lines(n):
            yield dump({"type": "response", "action": "subscription/subscribe", "events": ["state"],
                        "data": {"state": {"5": "normal", "6": "blocked", "7": "normal", "8": "blocked"}}})
            yield from (life(5, "block"), life(8, "unblock"))
            for i in range(n):
                yield state(7, i, pad=hashlib.shake_128(b"%d" % i).hexdigest(640))
        tape = self.path("kept.tape")
        evtest.run("evtape-record", "-", "-o", tape, "-q", "--segment-size", "1MiB", "--keep-size", "2MiB",
                   stdin="".join(line + "\n" for line in lines(16000)).encode())
        info = evtest.info(tape)
        self.assertLess(info["frames"], 12000)
        evtest.run("evtape", "verify", tape)
        frames = evtest.frames(tape)
        self.assertEqual([f.get("mark") or f.get("event") for f in frames[:4]], ["state", None, "lifecycle", "lifecycle"])
        seqs = [f["seq"] for f in frames]
        self.assertEqual(seqs, list(range(seqs[0], seqs[0] + len(seqs))))
        self.assertEqual(len({f["time_ns"] for f in frames[:5]}), 1)
        url = self.serve_at(tape, "--start-paused")
        async with self.connect(url) as ws:
            got = await self.subscribed(ws, old([5, 6, 7, 8]))
            self.assertEqual(got["data"]["state"], {"5": "blocked", "6": "blocked", "7": "normal", "8": "normal"})

    def test_what_counts_stays_through_many_removals(self):
        """More of it than a search looks at, of several connections."""
        response = dump({"type": "response", "action": "subscription/subscribe", "events": ["state"], "data": {"state": {"5": "normal"}}})
        rows = [self.at(i, life(1000 + i, "block"), conn=1) for i in range(300)]
        rows += ['%d mark 3 2 {"mark":"connected"}\n' % (T0 + 400 * MS), self.at(401, response, conn=2)]
        for i in range(5):
            rows += ["rotate\n", *(self.at(1000 * (i + 1) + k, state(5, i), conn=2) for k in range(302))]
        tape = self.tape("many.tape", rows)
        whole = evtest.frames(tape)
        counting = whole[:300] + whole[301:302]
        for left in (5, 4, 2, 1):
            first = left == 5
            names = sorted(n for n in os.listdir(tape) if n.endswith(".zst"))
            # The segment that keeps what counts has a size, too.
            keep = sum(os.path.getsize(os.path.join(tape, n)) for n in {*names[:0 if first else 1], *names[-left:]})
            evtest.run("evtape", "gc", tape, "--keep-size", "%dB" % keep)
            got = evtest.frames(tape)
            with self.subTest(left):
                # assertEqual() would take minutes to show a difference.
                self.assertTrue(got[302:] == whole[302 + 302 * (5 - left):], [f["seq"] for f in got[300:305]])
                self.assertTrue([f["payload"] for f in got[1:302]] == [f["payload"] for f in counting])
                self.assertTrue(got[0]["payload"]["received"] == [f["time"] for f in counting])
                self.assertEqual([f["seq"] for f in got[:303]], list(range(got[302]["seq"] - 302, got[302]["seq"] + 1)))
        evtest.run("evtape", "verify", tape)

    async def test_seek_tells_the_state_there(self):
        rows = [self.at(0, state(5, 1)), self.at(1, state(6, 1)), self.at(1000, life(5, "block")),
                self.at(2000, life(5, "unblock")), self.at(2001, state(5, 2)), self.at(3000, life(6, "corrupt")),
                self.at(900000, state(7, 9))]
        url = self.serve_at(self.tape("t.tape", rows), "--start-paused")
        async with self.connect(url) as ws, self.connect(url) as batches:
            await self.subscribed(ws, old([5, 6, 7]))
            await self.subscribed(batches, new(BATCHES))

            async def at(ms):
                self.api(url, "/api/deck/seek", {"to": "+%dms" % ms})

            await at(500)
            self.assertEqual(await self.all_of(ws, 2), [state(5, 1), state(6, 1)])
            self.assertEqual(len((await self.recv_json(batches))["data"]), 2)
            await at(1500)
            self.assertEqual(await self.all_of(ws, 2), [life(5, "block"), state(6, 1)])
            self.assertEqual(await self.recv(batches), life(5, "block"))
            self.assertEqual([i["state"]["source_id"] for i in (await self.recv_json(batches))["data"]], [6])
            await at(2500)
            self.assertEqual(await self.all_of(ws, 3), [life(5, "unblock"), state(5, 2), state(6, 1)])
            await at(4000)
            self.assertEqual(await self.all_of(ws, 2), [life(6, "corrupt"), state(5, 2)])
            await at(500)
            self.assertEqual(await self.all_of(ws, 2), [state(5, 1), state(6, 1)])

    async def test_many_states_at_once_are_no_fault_of_the_client(self):
        """The messages after a subscription may have more bytes than the bound for slow
        clients."""
        n = 2000
        rows = [self.at(0, state(i, i, pad="x" * 500)) for i in range(n)] + \
            [self.at(600 + i, state(1, 7)) for i in range(9)]
        url = self.serve_at(self.tape("t.tape", rows), "--client-buffer", "64KiB", "--from", "+500ms")
        ws = Raw(url, target=PATH, host=url[len("ws://"):], rcvbuf=4096)
        self.addCleanup(ws.close)
        self.assertIn(" 101 ", ws.response())
        ws.send(1, self.ASK)
        # It has read nothing when the next frames come.
        self.wait_until("the deck's end", lambda: self.api(url, "/api/deck")["ended"])
        got = [json.loads(ws.message()[1]) for _ in range(n + 10)]
        self.assertEqual(sorted(m["data"]["source_id"] for m in got[1:n + 1]), list(range(n)))
        self.assertEqual([m["data"]["gps"]["speed"] for m in got[n + 1:]], [7] * 9)
        self.assertEqual(self.metric(url, "clients_dropped_total"), 0)

    async def test_asking_without_reading(self):
        rows = [self.at(0, state(i, i, pad="x" * 500)) for i in range(500)]
        for query in ("", "?deck=own"):
            url = self.serve_at(self.tape("t%d.tape" % len(query), rows), "--client-buffer", "64KiB", "--from", "+500ms")
            ws = Raw(url, target=PATH + query, host=url[len("ws://"):], rcvbuf=4096)
            self.assertIn(" 101 ", ws.response())
            with self.assertRaises(OSError):
                while True:
                    ws.send(1, self.ASK)
            self.server.wait_for(b"cut off: it does not read what it asked for")
            ws.close()
            self.assertEqual(self.metric(url, "clients_dropped_total"), 1)
            self.stop()

    async def test_readings_of_others(self):
        """Of a selection, nothing of others, also of trackers that no list
        names; and readings have no states that could be made compact."""
        def readings(*trackers):
            return dump({"type": "event", "event": "readings_batch",
                         "data": [{"type": "readings_event", "tracker_id": t} for t in trackers]})

        listed = self.write("trackers.json", dump([{"id": 7, "source": {"id": 5}}]))
        rows = [self.at(0, readings(7, 99)), self.at(100, readings(99)), self.at(200, readings(7))]
        url = self.serve_at(self.tape("t.tape", rows), "--trackers", listed)
        async with self.connect(url) as ws:
            await self.subscribed(ws, new({"type": "readings_batch", "format": "compact", "rate_limit": "100ms",
                                           "target": {"type": "selected", "tracker_ids": [7]}}))
            self.assertEqual(await self.all_of(ws, 2), [readings(7), readings(7)])

    async def test_rate_limit_in_the_long_run(self):
        rows = [self.at(i * 100, batch(gps(5, i))) for i in range(41)]
        url = self.serve_at(self.tape("t.tape", rows), "--speed", "10")
        async with self.connect(url) as ws:
            await self.subscribed(ws, new(dict(BATCHES, rate_limit="300ms")))
            got = []
            while not got or got[-1] < 40:
                got.append((await self.recv_json(ws))["data"][0]["state"]["gps"]["speed"])
        self.assertEqual(got, sorted(set(got)))
        self.assertIn(len(got), (14, 15, 16))

    async def test_a_short_message_takes_little_memory(self):
        """Trackers are not copied for each event that is named."""
        url = self.serve_at(self.tape("t.tape", [self.at(0, state(5, 1))]))
        async with self.connect(url) as ws:
            await ws.send(dump({"action": "subscribe", "hash": HASH, "events": ["state"] * 20000,
                                "trackers": list(range(100000))}))
            self.assertEqual((await self.recv_json(ws))["type"], "response")
        with open("/proc/%d/status" % self.server.pid, encoding="ascii") as f:
            peak = int(next(x for x in f if x.startswith("VmHWM")).split()[1])
        self.assertLess(peak, (600 if SLOW else 200) << 10)

    async def test_what_the_deck_does_not_play_is_not_told(self):
        rows = [self.at(0, state(5, 1)), self.at(1, state(6, 1)), self.at(1000, state(5, 2)), self.at(1001, state(6, 2))]
        url = self.serve_at(self.tape("t.tape", rows), "--start-paused", "--source", "6")
        async with self.connect(url) as ws:
            await self.subscribed(ws, new(STATES))
            self.api(url, "/api/deck/seek", {"to": "+500ms"})
            self.assertEqual(await self.recv(ws), state(6, 1))
            self.assertEqual([s["id"] for s in self.api(url, "/api/sources")["sources"]], [6])
            self.api(url, "/api/deck/filter", {})
            self.assertEqual(sorted(await self.all_of(ws, 2)), [state(5, 1), state(6, 1)])
            self.api(url, "/api/deck/filter", {"sources": [5]})
            self.assertEqual(await self.recv(ws), state(5, 1))
            self.api(url, "/api/deck/play", {})
            self.assertEqual(await self.recv(ws), state(5, 2))

    async def test_the_tape_anew(self):
        """With --loop, the states at the end do not apply at the start."""
        rows = [self.at(0, state(5, 1)), self.at(10, state(6, 1)), self.at(20, life(5, "block")),
                self.at(30, life(6, "corrupt")), self.at(40, state(7, 1))]
        url = self.serve_at(self.tape("t.tape", rows), "--loop=2")
        async with self.connect(url) as ws:
            await self.subscribed(ws, old([5, 6, 7]))
            once = [state(5, 1), state(6, 1), life(5, "block"), life(6, "corrupt"), state(7, 1)]
            self.assertEqual(await self.all_of(ws, 11), once + [life(5, "unblock")] + once)

    async def test_a_loop_around_nothing(self):
        """It keeps no client waiting, at any speed."""
        rows = [self.at(0, state(5, 1)), self.at(1000, state(5, 2)), self.at(2000, state(5, 3))]
        url = self.serve_at(self.tape("t.tape", rows), "--start-paused")
        for speed in ("max", 1000):
            self.api(url, "/api/deck/speed", {"speed": speed})
            self.api(url, "/api/deck/seek", {"to": "+200ms"})
            self.api(url, "/api/deck/loop", {"from": "+100ms", "to": "+200ms"})
            self.api(url, "/api/deck/play", {})
            async with self.connect(url) as ws:
                await self.subscribed(ws, old([5]))
                self.assertEqual(await self.all_of(ws, 20), [state(5, 1)] * 20)
            self.api(url, "/api/deck/pause", {})

    async def test_own_deck(self):
        """?deck=own: each client begins at the start, whatever the shared deck does."""
        rows = [self.at(i * 10, state(5, i)) for i in range(20)]
        url = self.serve_at(self.tape("t.tape", rows))
        for _ in range(2):
            async with self.connect(url, PATH + "?deck=own") as ws:
                await self.subscribed(ws, old([5]))
                self.assertEqual(await self.all_of(ws, 20), [state(5, i) for i in range(20)])

    async def test_trackers(self):
        """Ids of a list; without one ids are equal, which is said once."""
        tape = self.tape("t.tape", [self.at(0, state(5, 1)), self.at(1, state("abc", 2))])
        url = self.serve_at(tape)
        for _ in range(2):
            async with self.connect(url, PATH + "?deck=own") as ws:
                self.assertEqual((await self.subscribed(ws, old([5, 70])))["data"]["state"],
                                 {"5": "normal", "70": "unknown"})
        self.server.finish(evtest.SIGTERM)  # all that it said has been read
        self.assertEqual(self.server.err.count(b"tracker ids are taken for source ids"), 1)
        listed = self.write("trackers.json", '{"success":true,"list":[{"id":70,"label":"Van","source":{"id":5}}]}')
        url = self.serve_at(tape, "--trackers", listed)
        async with self.connect(url) as ws:
            self.assertEqual((await self.subscribed(ws, old([5, 70])))["data"]["state"],
                             {"5": "unknown", "70": "normal"})
            self.assertEqual(await self.recv(ws), state(5, 1))
        self.assertNotIn(b"tracker ids are taken", self.server.err)

    async def test_hash(self):
        tape = self.tape("t.tape", [self.at(0, state(5, 1))])
        url = self.serve_at(tape, "--credential-file", self.write("hash", HASH + "\n"))
        async with self.connect(url) as ws:
            for bad in ("wrong", HASH[:-1], HASH + "0", None):
                await ws.send(dump({"action": "subscribe", "hash": bad, "events": ["state"], "trackers": [5]}))
                got = await self.recv_json(ws)
                self.assertEqual((got["type"], got["action"], got["status"]["code"]),
                                 ("error", "subscription/subscribe", 3))
            await self.subscribed(ws, old([5]))
        self.stop()
        self.assertNotIn(HASH.encode(), self.server.err)

    async def test_rebase(self):
        """The window starts now; the times between frames stay."""
        rows = [self.at(0, state(5, 1)), self.at(100, state(5, 2, time="2026-03-01 06:51:45"))]
        url = self.serve_at(self.tape("t.tape", rows), "--rebase")
        async with self.connect(url) as ws:
            await self.subscribed(ws, old([5]))
            got = [json.loads(m) for m in await self.all_of(ws, 2)]

        def parse(text):
            return datetime.datetime.strptime(text, "%Y-%m-%d %H:%M:%S")

        local = datetime.datetime.utcnow() - datetime.timedelta(hours=6)
        self.assertLess(abs((parse(got[0]["user_time"]) - local).total_seconds()), 60 + evtest.DEADLINE)
        self.assertEqual(parse(got[1]["data"]["gps"]["updated"]) - parse(got[0]["data"]["gps"]["updated"]),
                         datetime.timedelta(seconds=2))
        self.assertEqual(got[0]["data"]["gps"]["speed"], 1)

    async def test_fixed_point(self):
        """A recording of the stand-in has the same frames as the first tape."""
        feed = OfTheStandin.FRAMES
        for events in ("state", "state_batch,readings_batch,iot_monitor"):
            with self.subTest(events):
                ready, first, second = (self.path(events[:7] + n) for n in ("sim", "1.tape", "2.tape"))
                sim = self.start("evtape-sim", "--trackers", "5", "--rate", "200", "--block-every", "300ms",
                                 "--ready-file", ready)
                self.wait_until("the simulator", lambda: os.path.exists(ready))
                env = dict(os.environ, EVTAPE_CREDENTIAL=HASH)
                with open(ready, encoding="ascii") as f:
                    url = f.read().strip() + PATH
                ask = ["--events", events, "--rate-limit", "200ms", "--trackers", "1,2,3,4,5"]
                n = feed if events == "state" else 30
                p = self.start("evtape-record", url, "-o", first, *ask, "--frames", n, env=env)
                await asyncio.get_running_loop().run_in_executor(None, p.finish)
                sim.finish(evtest.SIGTERM)
                want = self.events_of(first)
                listed = self.write("trackers.json", dump([{"id": i + 1, "source": {"id": 10001 + i}}
                                                           for i in range(5)]))
                url = self.serve_at(first, "--trackers", listed) + PATH
                # The handshake and the response come beside them.
                p = self.start("evtape-record", url, "-o", second, *ask, "--frames", len(want) + 2, env=env)
                await asyncio.get_running_loop().run_in_executor(None, p.finish)
                self.assertEqual(self.events_of(second), want)
                self.stop()

    def events_of(self, tape):
        return evtest.lines(evtest.run("evtape", "cat", "--format", "lines", "--event",
                                       "state,state_batch,readings_batch,iot_monitor,lifecycle,logout", tape).stdout)


if __name__ == "__main__":
    unittest.main()
