"""evtape-sim: clients cannot distinguish it from the platform, and its faults are the
requested ones."""

import asyncio
import json
import re
import socket
import ssl
import struct
import subprocess
import time
import unittest

import evtest
from feed import messages
from simcase import ALL, ATMO, HASH, PATH, STATES, UPGRADE, SimCase, http, new, old


class Protocol(SimCase):
    async def test_http(self):
        url = self.sim()
        self.assertEqual(http(url, "/")[0], 200)
        self.assertEqual(http(url, "/nothing")[0], 404)
        self.assertEqual(http(url, PATH)[0], 426)
        self.assertEqual(http(url, "/stream", UPGRADE)[0], 404)
        for path in ("/event/subscription", "/v2/event/subscription", "/api-v2/wse/subscription",
                     "/event/subscription/"):
            raw = self.raw(url, path)
            self.assertEqual(raw.status, 101, path)
            raw.close()
        try:
            self.assertNotEqual(http(url, PATH, "Upgrade: h2c\r\nConnection: Upgrade\r\n")[0], 101)
        except IndexError:
            pass  # closed without an answer
        self.proc.finish(evtest.SIGTERM)

    async def test_old_form(self):
        url = self.sim("--trackers", 5, "--rate", "0.001", "--blocked", "2", "--disallowed", "3")
        async with self.connect(url) as ws:
            answer = await self.subscribed(ws, old([1, 2, 3, 5, 77]))
            self.assertEqual(answer, {
                "type": "response", "action": "subscription/subscribe", "events": ["state"],
                "data": {"state": {"1": "normal", "2": "blocked", "3": "disallowed", "5": "normal",
                                   "77": "unknown"}}})
            states = [await self.recv_json(ws) for _ in range(2)]
            self.assertEqual([s["data"]["source_id"] for s in states], [10001, 10005])
            for s in states:
                self.assertEqual((s["type"], s["event"]), ("event", "state"))
                self.assertRegex(s["user_time"], r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$")
                self.assertEqual(
                    list(s["data"]),
                    ["source_id", "gps", "connection_status", "movement_status", "gsm", "last_update",
                     "battery_level", "battery_update", "inputs", "inputs_update", "outputs",
                     "outputs_update", "actual_track_update"])
                self.assertEqual(list(s["data"]["gps"]),
                                 ["updated", "signal_level", "location", "heading", "speed", "alt"])
                self.assertEqual(len(s["data"]["inputs"]), 8)
            await ws.send(json.dumps({"action": "unsubscribe", "hash": HASH, "events": ["state"],
                                      "trackers": [1, 5]}))
            answer = await self.recv_json(ws)
            self.assertEqual(answer["action"], "subscription/unsubscribe")
            self.assertEqual(answer["data"], {"state": {"1": "normal", "5": "normal"}})
        self.proc.finish(evtest.SIGTERM)

    async def test_new_form(self):
        url = self.sim("--trackers", 3, "--rate", "0.001", "--blocked", "2")
        async with self.connect(url, "/api-v2/wse/subscription") as ws:
            answer = await self.subscribed(ws, new(
                {"type": "state", "trackers": [1, 2, 9], "format": "compact"}, iso_datetime=True))
            self.assertEqual(answer["data"], {"state": {
                "value": {"1": "normal", "2": "blocked", "9": "unknown"}, "success": True}})
            state = await self.recv_json(ws)
            for gone in ("gsm", "battery_level", "battery_update", "inputs", "outputs", "actual_track_update"):
                self.assertNotIn(gone, state["data"])
            for there in ("gps", "connection_status", "movement_status", "last_update"):
                self.assertIn(there, state["data"])
            self.assertRegex(state["user_time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00$")
            answer = await self.subscribed(ws, new(
                {"type": "state_batch", "target": ALL, "rate_limit": "5s", "format": "full"},
                {"type": "readings_batch", "target": {"type": "selected", "tracker_ids": [1, 3]},
                 "rate_limit": "5s", "sensor_type": "power", "include_components": False},
                {"type": "iot_monitor", "target": {"type": "selected", "tracker_ids": [3]}}))
            self.assertEqual(answer["events"], ["state_batch", "readings_batch", "iot_monitor"])
            self.assertTrue(all(v["success"] for v in answer["data"].values()))
            batch, readings, iot = [await self.recv_json(ws) for _ in range(3)]
            self.assertEqual(batch["event"], "state_batch")
            self.assertEqual([i["type"] for i in batch["data"]], ["source_state_event"] * 2)
            self.assertEqual([i["state"]["source_id"] for i in batch["data"]], [10001, 10003])
            self.assertEqual(readings["event"], "readings_batch")
            self.assertEqual([(i["type"], i["tracker_id"]) for i in readings["data"]],
                             [("readings_event", 1), ("readings_event", 3)])
            self.assertEqual([i["tracker_id"] for i in iot["data"]["iot_last_values"]], [3])
        self.proc.finish(evtest.SIGTERM)

    async def test_rate_limit(self):
        url = self.sim("--trackers", 20, "--rate", 1000)
        async with self.connect(url) as ws:
            start = time.monotonic()  # before the first: reading late must not shorten it
            await self.subscribed(ws, new({"type": "state_batch", "target": ALL, "rate_limit": "300ms"}))
            batches = [await self.recv_json(ws) for _ in range(5)]
            took = time.monotonic() - start
            self.assertEqual(len(batches[0]["data"]), 20)
            self.assertGreaterEqual(took, 4 * 0.3 - 0.05)  # the first at once, the rest on the grid
            for b in batches[1:]:
                sources = [i["state"]["source_id"] for i in b["data"]]
                self.assertEqual(len(sources), len(set(sources)))
        self.proc.finish(evtest.SIGTERM)

    async def test_errors(self):
        url = self.sim("--trackers", 20, "--rate", "0.001")
        cases = [
            ("{", None, 5), ("[1]", None, 5), ("{} x", None, 5),
            ("{}", None, 7), ('{"action":7}', None, 7), ('{"action":"dance"}', None, 7),
            ('{"action":"subscribe"}', "subscription/subscribe", 7),
            ('{"action":"subscribe","events":[],"trackers":[1]}', "subscription/subscribe", 7),
            ('{"action":"subscribe","events":["weather"],"trackers":[1]}', "subscription/subscribe", 7),
            ('{"action":"subscribe","events":["state"]}', "subscription/subscribe", 7),
            ('{"action":"subscribe","events":["state"],"trackers":[null]}', "subscription/subscribe", 7),
            ('{"action":"subscribe","events":["state"],"trackers":[1.5]}', "subscription/subscribe", 7),
            ('{"action":"unsubscribe","requests":{}}', "subscription/unsubscribe", 7),
            (new({"type": "logout", "target": ALL}), "subscription/subscribe", 7),
            (new({"type": "state"}), "subscription/subscribe", 7),
            (new({"type": "state", "target": {"type": "some"}}), "subscription/subscribe", 7),
            (new({"type": "state", "target": ALL, "format": "tiny"}), "subscription/subscribe", 7),
            (new({"type": "state_batch", "target": ALL, "rate_limit": "soon"}), "subscription/subscribe", 7),
            (new({"type": "iot_monitor", "target": {"type": "selected", "tracker_ids": list(range(1, 12))}}),
             "subscription/subscribe", 7),
        ]
        async with self.connect(url) as ws:
            for text, action, code in cases:
                await ws.send(text)
                answer = await self.recv_json(ws)
                self.assertEqual((answer["type"], answer["action"], answer["status"]["code"]),
                                 ("error", action, code), text)
                self.assertTrue(answer["status"]["description"])
                self.assertTrue(answer["data"])
            await self.subscribed(ws, old([1]))
        self.proc.finish(evtest.SIGTERM)

    async def test_hash(self):
        log = self.path("received")
        url = self.sim("--hash", self.write("hash", HASH + "\n"), "--log-received", log)
        async with self.connect(url) as ws:
            for bad in ('"hash":"f00","events":["state"],"trackers":[1]', '"events":["state"],"trackers":[1]'):
                await ws.send('{"action":"subscribe",%s}' % bad)
                answer = await self.recv_json(ws)
                self.assertEqual(answer, {"type": "error", "action": "subscription/subscribe",
                                          "status": {"code": 3, "description": "Wrong hash"}})
            await self.subscribed(ws, old([1]))
            await ws.send(' {"hash" :\n"qu\\"oted" , broken ' + HASH)
            while (await self.recv_json(ws))["type"] != "error":
                pass
        self.proc.finish(evtest.SIGTERM)
        with open(log, "rb") as f:
            raw = f.read()
        self.assertNotIn(HASH.encode(), raw)
        self.assertNotIn(b"f00", raw)
        self.assertNotIn(b"oted", raw)
        got = messages(log)
        self.assertEqual(got[2], (1, 1, old([1]).replace(HASH, "*" * 32).encode()))

    async def test_wrong_hash(self):
        url = self.sim("--wrong-hash")
        async with self.connect(url) as ws:
            await ws.send(old([1]))
            self.assertEqual((await self.recv_json(ws))["status"]["code"], 3)
        self.proc.finish(evtest.SIGTERM)

    async def test_plain_client_gets_json_alone(self):
        url = self.sim("--heartbeat", "10ms", "--rate", 500)
        async with self.connect(url) as ws:
            await ws.send(new(STATES))
            for _ in range(100):
                await self.recv_json(ws)
        self.proc.finish(evtest.SIGTERM)

    async def test_atmosphere(self):
        url = self.sim("--heartbeat", "50ms", "--rate", "0.001", "--trackers", 1)
        async with self.connect(url, PATH + "?" + ATMO % 0) as ws:
            first = await self.recv(ws)
            m = re.fullmatch(r"([0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12})\|50\|X\|", first)
            self.assertTrue(m, first)
            await ws.send("X")
            self.assertEqual([await self.recv(ws) for _ in range(3)], ["X"] * 3)
            await ws.send(old([1]))
            got = []
            while len(got) < 2:
                text = await self.recv(ws)
                if text != "X":
                    got.append(json.loads(text))
            self.assertEqual([g["type"] for g in got], ["response", "event"])
        async with self.connect(url, PATH + "?" + ATMO % m.group(1)) as ws:
            self.assertEqual(await self.recv(ws), "X")
        self.proc.finish(evtest.SIGTERM)
        # Without the protocol no handshake: the first frame answers.
        url = self.sim("--heartbeat", "0")
        async with self.connect(url, PATH + "?X-Atmosphere-tracking-id=0&X-Atmosphere-Framework=1.0") as ws:
            await self.subscribed(ws, old([1]))
        async with self.connect(url, PATH + "?" + ATMO % 0) as ws:
            self.assertRegex(await self.recv(ws), r"^[0-9a-f-]{36}\|0\|X\|$")
        self.proc.finish(evtest.SIGTERM)

    async def test_block_and_unblock(self):
        url = self.sim("--trackers", 3, "--rate", 300, "--block-every", "100ms")
        async with self.connect(url) as ws:
            states = (await self.subscribed(ws, old([1, 2, 3])))["data"]["state"]
            # One may be blocked before the subscription arrives: then the answer says so.
            blocked, seen, unblocked = {10000 + int(i) for i in states if states[i] == "blocked"}, [], set()
            expected = ["unblock"] * len(blocked) + ["block", "unblock"] * 4
            while len(seen) < len(expected):
                m = await self.recv_json(ws)
                if m["event"] == "lifecycle":
                    source = m["data"]["source_id"]
                    seen.append(m["data"]["lifecycle_event"])
                    (blocked.add if seen[-1] == "block" else blocked.remove)(source)
                    unblocked = {source} if seen[-1] == "unblock" else set()
                    continue
                self.assertEqual(m["event"], "state")
                source = m["data"]["source_id"]
                self.assertNotIn(source, blocked)
                # At once: no other state comes before the one of the unblocked.
                self.assertIn(source, unblocked or {source})
                unblocked = set()
            self.assertEqual(seen, expected)
        self.proc.finish(evtest.SIGTERM)

    async def test_lifecycle_without_states(self):
        """Blocked from the start: lifecycle events come, states do not."""
        url = self.sim("--trackers", 1, "--rate", 100, "--blocked", "1", "--corrupt-after", "100ms")
        async with self.connect(url) as ws:
            answer = await self.subscribed(ws, old([1]))
            self.assertEqual(answer["data"]["state"], {"1": "blocked"})
            # A blocked tracker is not drawn, so nothing comes at all.
            with self.assertRaises(asyncio.TimeoutError):
                await asyncio.wait_for(ws.recv(), 0.3)
        self.proc.finish(evtest.SIGTERM)

    # The simulator does these once, and counts from its start: on a busy machine
    # a client may come too late.
    AFTER = 0.2, 2, 20

    async def test_corrupt(self):
        async def attempt(after):
            start = time.monotonic()
            url = self.sim("--trackers", 1, "--rate", 100, "--corrupt-after", after)
            async with self.connect(url) as ws:
                await self.subscribed(ws, new(STATES))
                in_time = time.monotonic() < start + after
                while in_time and (m := await self.recv_json(ws))["event"] != "lifecycle":
                    pass
                if in_time:
                    self.assertEqual(m["data"], {"source_id": 10001, "lifecycle_event": "corrupt"})
                    answer = await self.subscribed(ws, old([1]))
                    self.assertEqual(answer["data"]["state"], {"1": "unknown"})
            self.proc.finish(evtest.SIGTERM)
            return in_time
        await self.patiently_async(attempt, *self.AFTER)

    async def test_logout(self):
        async def attempt(after):
            start = time.monotonic()
            url = self.sim("--trackers", 2, "--rate", 100, "--logout-after", after)
            async with self.connect(url) as ws, self.connect(url) as idle, self.connect(url) as monitor:
                await self.subscribed(ws, old([1]))
                await self.subscribed(monitor, new({"type": "iot_monitor", "target": ALL, "rate_limit": "1h"}))
                in_time = time.monotonic() < start + after
                if in_time:
                    await self.logged_out(ws, idle, monitor)
            self.proc.finish(evtest.SIGTERM)
            return in_time
        await self.patiently_async(attempt, *self.AFTER)

    async def logged_out(self, ws, idle, monitor):
        last = None
        while last != {"type": "event", "event": "logout", "data": "session closed"}:
            last = await self.recv_json(ws)
        got = [await self.recv_json(monitor) for _ in range(2)]
        self.assertEqual(got[1], last)
        # The session is over, and clients without a session got no message.
        await ws.send("{}")
        self.assertEqual((await self.recv_json(ws))["type"], "error")
        await idle.send("{}")
        self.assertEqual((await self.recv_json(idle))["type"], "error")
        await self.subscribed(ws, old([1]))

    async def test_node_client(self):
        """Node's ws, as most real clients have it."""
        url = self.sim("--trackers", 4, "--rate", 400)
        script = self.write("client.js", """
const WebSocket = require('ws');
const ws = new WebSocket(process.argv[2] + '/event/subscription');
let n = 0;
ws.on('open', () => ws.send(JSON.stringify({action: 'subscribe', hash: 'h', events: ['state'], trackers: [1, 4]})));
ws.on('message', (data, binary) => {
  const m = JSON.parse(data);
  console.log(m.type, m.event || JSON.stringify(m.data), m.data.source_id || '');
  if (++n == 20) ws.close(1000);
});
ws.on('close', code => console.log('closed', code));
""")
        done = await asyncio.to_thread(
            subprocess.run, ["node", script, url], env=evtest.NODE_ENV, stdout=subprocess.PIPE,
            timeout=evtest.DEADLINE, check=True)
        out = done.stdout.decode().splitlines()
        self.assertEqual(out[0], 'response {"state":{"1":"normal","4":"normal"}} ')
        self.assertEqual(out[1:3], ["event state 10001", "event state 10004"])
        self.assertLessEqual(set(out[3:20]), {"event state 10001", "event state 10004"})
        self.assertEqual(out[-1], "closed 1000")
        self.proc.finish(evtest.SIGTERM)

    async def test_ping_and_long_messages(self):
        url = self.sim("--rate", 100, "--fragments")
        async with self.connect(url) as ws:
            await self.subscribed(ws, new(STATES))
            for _ in range(20):
                await asyncio.wait_for(await ws.ping(), evtest.DEADLINE)
                for _ in range(10):
                    await self.recv_json(ws)
            await ws.send("{" + " " * 900000)
            while (await self.recv_json(ws))["type"] != "error":
                pass
            await ws.send("{" + " " * 1200000)
            self.assertEqual((await self.drain(ws))[1], 1009)
        self.proc.finish(evtest.SIGTERM)


class Running(SimCase):
    async def test_end(self):
        ready = self.path("ready")
        url = self.sim("--ready-file", ready, "--stats", "--rate", 500)
        with open(ready, encoding="ascii") as f:
            self.assertEqual(f.read(), url + "\n")
        async with self.connect(url) as ws, self.connect(url) as idle:
            await self.subscribed(ws, new(STATES))
            await self.recv(ws)
            self.proc.signal(evtest.SIGTERM)
            self.assertEqual((await self.drain(ws))[1], 1001)
            self.assertEqual((await self.drain(idle))[1], 1001)
        self.proc.finish()
        stats = json.loads(self.proc.err.decode().splitlines()[-1])
        self.assertEqual((stats["connections"], stats["dropped"], stats["received"]), (2, 0, 1))
        self.assertGreater(stats["frames"], 1)
        self.assertGreater(stats["bytes"], 600)
        self.sim()
        self.proc.finish(evtest.SIGINT)

    async def test_end_with_a_client_that_does_not_answer(self):
        url = self.sim("--rate", 5000)
        raw = self.raw(url)
        raw.send(new(STATES))
        raw.frame()
        self.proc.finish(evtest.SIGTERM)
        raw.close()

    async def test_tls(self):
        cert, key = self.path("cert.pem"), self.path("key.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                        "-nodes", "-keyout", key, "-out", cert, "-days", "2", "-subj", "/CN=localhost",
                        "-addext", "subjectAltName=IP:127.0.0.1"], check=True, stderr=subprocess.DEVNULL)
        url = self.sim("--tls-cert", cert, "--tls-key", key, "--rate", 20000, "--frames", 20000, "--once")
        self.assertRegex(url, r"^wss://127\.0\.0\.1:\d+$")
        context = ssl.create_default_context(cafile=cert)
        async with self.connect(url, ssl=context) as ws:
            await self.subscribed(ws, new(STATES))
            got, code = await self.drain(ws)
        self.assertEqual((len(got), code), (20010, 1000))
        for text in got:
            json.loads(text)
        self.proc.finish()

    async def test_log_sent(self):
        log = self.path("sent")
        url = self.sim("--rate", 2000, "--frames", 3000, "--once", "--log-sent", log, "--garbage-every", 50,
                       "--wait-clients", 2)
        raws = [self.raw(url) for _ in range(2)]
        for r in raws:
            r.send(new(STATES))
        got = [await asyncio.to_thread(r.all) for r in raws]
        self.proc.finish()
        sent = messages(log)
        for i, (frames, _) in enumerate(got):
            self.assertEqual(frames[-1][1:], (8, struct.pack("!H", 1000)))
            self.assertEqual([(op, p) for _, op, p in frames[:-1]],
                             [(op, p) for conn, op, p in sent if conn == i + 1])
            self.assertGreater(len(frames), 3000)

    async def test_seed(self):
        """With --epoch the same states come each time; another seed, others."""
        def once(seed):
            log = self.path("sent-%d" % seed)
            url = self.sim("--rate", "5000", "--frames", 2000, "--once", "--seed", seed, "--epoch",
                           "2026-03-01T00:00:00Z", "--log-sent", log)
            raw = self.raw(url)
            raw.send(new(STATES))
            got, _ = raw.all()
            raw.close()
            self.proc.finish()
            return [p for _, op, p in got if op == 1]
        first = await asyncio.to_thread(once, 7)
        self.assertEqual(len(first), 2011)
        self.assertEqual(await asyncio.to_thread(once, 7), first)
        self.assertNotEqual(await asyncio.to_thread(once, 8), first)

    async def test_pace(self):
        """Rates are kept on average, with no drift. A busy machine makes frames late,
        never one early; a drift would make all late in the end."""
        def timed(raw):
            start, times = time.monotonic(), []
            raw.send(new(STATES))
            for _ in range(101):
                raw.frame()
            while (frame := raw.frame())[1] == 1:
                times.append(time.monotonic() - start)
            self.assertEqual(frame[1], 8)
            return times

        for rate in (1000, 10000, 250.5):
            def attempt(seconds, rate=rate):
                frames = int(rate * seconds)
                url = self.sim("--trackers", 100, "--rate", rate, "--frames", frames, "--once")
                raw = self.raw(url)
                times = timed(raw)
                raw.close()
                self.proc.finish()
                self.assertEqual(len(times), frames)
                late = [t - i / rate for i, t in enumerate(times)]
                self.assertGreaterEqual(min(late), 0)
                return min(late[frames // 2:]) < 0.2 * seconds
            with self.subTest(rate=rate):
                await asyncio.to_thread(self.patiently, attempt, 2, 5, 20)

    async def test_max_rate_is_held_back_by_its_client(self):
        url = self.sim("--trackers", 50, "--rate", "max", "--frames", 100000, "--once", "--stats")
        raw = self.raw(url)
        raw.send(new(STATES))
        got, end = await asyncio.to_thread(raw.all)
        self.proc.finish()
        self.assertEqual(len(got), 1 + 50 + 100000 + 1)
        self.assertEqual(end, "eof")

    async def test_slow_client_is_dropped(self):
        url = self.sim("--rate", 20000, "--client-buffer", "64k", "--stats")
        raw = self.raw(url)
        raw.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        raw.send(new(STATES))
        self.proc.wait_for(rb"client 1 dropped: it does not read")
        self.proc.finish(evtest.SIGTERM)
        self.assertEqual(json.loads(self.proc.err.decode().splitlines()[-1])["dropped"], 1)
        raw.close()

    async def test_ipv6(self):
        try:
            socket.create_server(("::1", 0), family=socket.AF_INET6).close()
        except OSError as e:
            self.skipTest("no IPv6 here: %s" % e)
        url = self.sim("--listen", "[::1]:0")
        self.assertRegex(url, r"^ws://\[::1\]:\d+$")
        async with self.connect(url) as ws:
            await self.subscribed(ws, old([1]))
        self.proc.finish(evtest.SIGTERM)


class Faults(SimCase):
    async def test_drop_after(self):
        url = self.sim("--drop-after", 25, "--rate", 1000)
        for _ in range(2):
            raw = self.raw(url)
            raw.send(new(STATES))
            got, end = await asyncio.to_thread(raw.all)
            self.assertEqual((len(got), end), (25, "reset"))
        self.proc.finish(evtest.SIGTERM)

    async def test_drop_every(self):
        url = self.sim("--drop-every", "300ms", "--rate", 1000)
        for _ in range(3):
            raw = self.raw(url)
            raw.send(new(STATES))
            self.assertEqual((await asyncio.to_thread(raw.all))[1], "reset")
        self.proc.finish(evtest.SIGTERM)

    async def test_close_after(self):
        for arg, want in (("5", 1001), ("1,1000", 1000), ("30,4321", 4321), ("12,1012", 1012)):
            url = self.sim("--close-after", arg, "--rate", 1000)
            async with self.connect(url) as ws:
                await ws.send(new(STATES))
                got, code = await self.drain(ws)
            self.assertEqual((len(got), code), (int(arg.split(",")[0]), want))
            self.proc.finish(evtest.SIGTERM)

    async def test_stall(self):
        url = self.sim("--stall-after", "30,700ms", "--rate", 1000)
        async with self.connect(url, ping_interval=None) as ws:
            start = time.monotonic()
            await ws.send(new(STATES))
            for _ in range(30):
                await self.recv_json(ws)
            pong = await ws.ping()
            await self.recv_json(ws)
            self.assertGreater(time.monotonic() - start, 0.7)
            await asyncio.wait_for(pong, evtest.DEADLINE)
            self.assertGreater(time.monotonic() - start, 0.7)
            for _ in range(100):
                await self.recv_json(ws)
        self.proc.finish(evtest.SIGTERM)

    async def test_garbage(self):
        url = self.sim("--garbage-every", 10, "--rate", 1000)
        raw = self.raw(url)
        raw.send(new(STATES))
        frames = [raw.frame() for _ in range(44)]
        garbage = [f for i, f in enumerate(frames) if i % 11 == 10]
        for i, (_, op, payload) in enumerate(frames):
            if i % 11 != 10:
                self.assertEqual(op, 1)
                json.loads(payload)
        self.assertEqual([g[1] for g in garbage], [1, 1, 2, 1])
        self.assertRaises(ValueError, json.loads, garbage[0][2].decode())
        self.assertRaises(UnicodeDecodeError, garbage[1][2].decode)
        raw.close()
        self.proc.finish(evtest.SIGTERM)

    async def test_fragments(self):
        url = self.sim("--fragments", "--rate", 1000)
        raw = self.raw(url)
        raw.send(new(STATES))
        for _ in range(50):
            parts = [raw.frame() for _ in range(3)]
            self.assertEqual([p[:2] for p in parts], [(0, 1), (0, 0), (1, 0)])
            self.assertTrue(all(p[2] for p in parts))
            json.loads(b"".join(p[2] for p in parts))
        raw.close()
        self.proc.finish(evtest.SIGTERM)

    async def test_huge(self):
        for size in (64, 70000, 5 << 20):
            # At this rate the simulator waits for its client.
            url = self.sim("--huge", size, "--rate", "max")
            async with self.connect(url) as ws:
                await ws.send(new(STATES))
                got = [await self.recv(ws) for _ in range(202)]
            self.assertEqual([i for i, g in enumerate(got) if json.loads(g).get("event") == "huge"], [100, 201])
            self.assertEqual(len(got[100]), size)
            self.proc.finish(evtest.SIGTERM)

    async def test_slow_handshake(self):
        url = self.sim("--slow-handshake", 400)
        start = time.monotonic()
        raw = await asyncio.to_thread(self.raw, url)
        self.assertEqual(raw.status, 101)
        self.assertGreater(time.monotonic() - start, 0.35)
        raw.close()
        self.proc.finish(evtest.SIGTERM)

    async def test_http_error(self):
        url = self.sim("--http-error", "429,7", "--http-error-count", 2, "--stats")
        for _ in range(2):
            status, head, _ = http(url, PATH, UPGRADE)
            self.assertEqual(status, 429)
            self.assertIn(b"\r\nRetry-After: 7\r\n", head + b"\r\n")
        async with self.connect(url) as ws:
            await self.subscribed(ws, old([1]))
        self.proc.finish(evtest.SIGTERM)
        self.assertEqual(json.loads(self.proc.err.decode().splitlines()[-1])["refused"], 2)
        url = self.sim("--http-error", "503")
        for _ in range(3):
            status, head, _ = http(url, PATH, UPGRADE)
            self.assertEqual(status, 503)
            self.assertNotIn(b"Retry-After", head)
        self.proc.finish(evtest.SIGTERM)


if __name__ == "__main__":
    unittest.main()
