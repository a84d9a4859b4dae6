"""The stand-in of evtape-replay with unmodified clients: the atmosphere.js of npm as
the platform's documentation shows it, Node's ws, and Python's websockets."""

import asyncio
import json
import os
import subprocess
import unittest

import websockets

import evtest
import npm
import relay
from simcase import ALL, HASH, PATH, STATES, SimCase, new, old
from test_replay import MS
from test_replay_ws import WsCase

ATMOSPHERES = ("2.3.6", "2.3.8", "3.1.3", "4.0.1")
UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
BATCHES = {"type": "state_batch", "target": ALL, "rate_limit": "100ms"}


def dump(value):
    return json.dumps(value, separators=(",", ":"))


def state(source, n):
    return dump({"type": "event", "event": "state", "user_time": "2026-03-01 06:51:43", "data": {
        "source_id": source, "gps": {"updated": "2026-03-01 06:51:43", "location": {"lat": n, "lng": -n}, "speed": n},
        "connection_status": "active", "last_update": "2026-03-01 06:51:43"}})


def response(**data):
    return {"type": "response", "action": "subscription/subscribe", "events": list(data), "data": data}


def alias(version):
    return "atmosphere_" + version.replace(".", "_")


class ClientCase(WsCase, SimCase):
    """A tape of two sources, 5 and 6, in turn."""

    def feed(self, *args, n=400, step=10):
        tape = self.tape("t.tape", [(i * step * MS, state(5 + i % 2, i)) for i in range(n)])
        return self.serve(tape, *args)[:-len("/stream")]

    def client(self, script, *args, env=evtest.NODE_ENV, stdin=subprocess.DEVNULL):
        return self.spawn(["node", os.path.join(evtest.HERE, script), *args], env=env, stdin=stdin)


class Visitor:
    """A version of atmosphere.js, its request, and the messages that it must get."""

    def __init__(self, version, path, message, answer, event):
        self.version, self.path, self.message = version, path, message
        self.answer, self.event = answer, event
        self.proc = self.uuid = None

    def said(self):
        """The arguments of its handlers; it prints one line for each call."""
        return [json.loads(line) for line in evtest.lines(self.proc.out) if line.startswith(b'{"on":')]

    def count(self, what):
        return sum(m["on"] == what for m in self.said())

    def raced(self):
        """Whether ClientRace has happened to it."""
        return any(m["on"] == "transport failure" and m["why"].endswith("resending X") for m in self.said())

    def messages_since(self, what, count):
        """The messages after the count-th call of a handler."""
        got, seen = [], 0
        for m in self.said():
            seen += m["on"] == what
            if seen >= count and m["on"] == "message":
                got.append(json.loads(m["body"]))
        return got


class ClientRace(Exception):
    """The client's timer sent a heartbeat into a socket whose end it had not seen yet.
    Then it gives its WebSocket up, whatever the server does."""


class Atmosphere(ClientCase):
    """Each version that is in use, by the documented snippet. All of them at
    once: most of the time they wait for their interval of reconnecting."""

    def setUp(self):
        super().setUp()
        self.env = npm.need(*("%s@npm:atmosphere.js@%s" % (alias(v), v) for v in ATMOSPHERES))
        self.begin()

    def begin(self):
        self.relay = relay.Relay()
        self.addCleanup(self.relay.close)
        every = {"value": {"5": "normal", "6": "normal"}, "success": True}
        forms = ((PATH, old([5, 6]), response(state={"5": "normal", "6": "normal"}), "state"),
                 ("/api-v2/wse/subscription", new(BATCHES), response(state_batch=every), "state_batch"))
        self.visitors = [Visitor(v, *forms[i % 2]) for i, v in enumerate(ATMOSPHERES)]

    def listen(self, *args):
        """Start a server as the relay's target, like a host that keeps its address."""
        url = self.feed("--heartbeat", "500ms", *args, n=2000, step=20)
        self.relay.point_at(int(url.rsplit(":", 1)[1]))

    def come(self, visitor):
        url = "http://127.0.0.1:%d%s" % (self.relay.port, visitor.path)
        visitor.proc = self.client("atmosphere_client.cjs", alias(visitor.version), url, visitor.message, env=self.env,
                                   stdin=subprocess.PIPE)
        self.addCleanup(visitor.proc.popen.stdin.close)

    def each(self, check):
        """Do the same with all versions; a failure names the version."""
        for v in self.visitors:
            try:
                check(v)
            except AssertionError as why:
                raise AssertionError("atmosphere.js %s: %s" % (v.version, why)) from why

    def told(self, v, what, count=1):
        """Wait for so many calls of a handler."""
        self.wait_until("%d times %s: %s" % (count, what, v.proc.out[-600:]), lambda: v.count(what) >= count or
                        v.proc.popen.poll() is not None or v.raced())
        if v.count(what) < count and v.raced():
            raise ClientRace
        self.assertGreaterEqual(v.count(what), count, (v.said()[-5:], v.proc.err))

    def links(self, v):
        """Its connections."""
        return [link for link in list(self.relay.links) if "tracking-id=" + v.uuid in link.request() or
                link.got()[:1] == [b"%s|500|X|" % v.uuid.encode()]]

    def check_link(self, v, no, tracking, first):
        """The bytes of its no-th connection."""
        link = self.links(v)[no]
        self.assertIn("X-Atmosphere-tracking-id=%s&" % tracking, link.request())
        self.assertIn("X-atmo-protocol=true", link.request())
        self.assertEqual(link.got()[0], first)
        self.wait_until("the subscription", link.sent)
        self.assertEqual(link.sent()[0], v.message.encode())

    def check_messages(self, v, what, count, n):
        """The answer and n events follow the count-th call of a handler."""
        self.wait_until("messages: %s" % v.proc.out[-600:], lambda: len(v.messages_since(what, count)) > n)
        got = v.messages_since(what, count)
        self.assertEqual(got[0], v.answer)
        self.assertLessEqual({m["event"] for m in got[1:]}, {v.event})

    def check_beats(self, v, no, n):
        """n heartbeats in each direction."""
        link = self.links(v)[no]
        self.wait_until("heartbeats", lambda: link.sent().count(b"X") >= n and link.got().count(b"X") >= n)

    def check_nothing_odd(self, v):
        """No heartbeat and no handshake came to the handler of messages, and
        no handler of failures was called."""
        for m in v.said():
            self.assertIn(m["on"], ("open", "reopen", "reconnect", "message", "close", "left"), m)
            if m["on"] == "message":
                json.loads(m["body"])

    def test_documented_snippet(self):
        """Open, get messages, lose the connection, reconnect, lose the server,
        reconnect, close."""
        def attempt(_):
            try:
                self.visit()
                return True
            except ClientRace:
                for v in self.visitors:
                    v.proc.kill()
                self.server.finish(evtest.SIGTERM)
                self.begin()
                return False
        self.patiently(attempt, *range(1, 6))

    def visit(self):
        self.listen()
        self.each(self.come)
        self.each(self.check_first)
        self.relay.cut()
        self.each(self.check_after_a_cut)
        self.lose_the_server()
        self.each(self.check_after_a_close)
        self.each(self.leave)

    def check_first(self, v):
        self.told(v, "open")
        self.assertEqual(v.said()[0]["transport"], "websocket")
        v.uuid = v.said()[0]["uuid"]
        self.assertRegex(v.uuid, "^%s$" % UUID)
        self.check_link(v, 0, "0", b"%s|500|X|" % v.uuid.encode())
        self.check_messages(v, "open", 1, 8)
        self.check_beats(v, 0, 2)

    def check_after_a_cut(self, v):
        self.told(v, "reopen")
        self.check_messages(v, "reopen", 1, 8)
        self.check_link(v, 1, v.uuid, b"X")

    def check_after_a_close(self, v):
        self.told(v, "reopen", 2)
        self.check_messages(v, "reopen", 2, 0)
        self.check_link(v, 2, v.uuid, b"X")
        self.check_beats(v, 2, 3)

    def lose_the_server(self):
        """It ends with a close, and another one comes in its place."""
        self.relay.point_at(None)
        self.server.finish(evtest.SIGTERM)
        self.each(lambda v: self.told(v, "close", 2))
        self.listen("--start-paused")

    def leave(self, v):
        """It announces its end to the server, in a separate request."""
        v.proc.popen.stdin.write(b"\n")
        v.proc.popen.stdin.flush()
        self.told(v, "left")
        v.proc.finish()
        self.check_nothing_odd(v)
        link = self.links(v)[3]
        self.assertIn("X-Atmosphere-Transport=close&X-Atmosphere-tracking-id=%s" % v.uuid, link.request())
        self.wait_until("the answer", lambda: link.down)
        self.assertTrue(link.down.startswith(b"HTTP/1.1 200 "), link.down)


class NodeWs(ClientCase):
    """Node's ws, as people write it down: it opens, asks, parses."""

    def run_ws(self, url, how, *messages):
        p = self.client("standin_client.cjs", url, how, *messages)
        p.finish(check=None)
        return [json.loads(line) for line in evtest.lines(p.out)], p

    def parses(self, url, *messages):
        got, p = self.run_ws(url + PATH + "?deck=own", "parse:400", *messages)
        self.assertEqual(p.popen.returncode, 0, (got[-1:], p.err))
        self.assertEqual(len(got), 401)
        self.assertEqual(got[-1], {"close": 1000, "extensions": ""})
        return got

    def test_parses_every_frame(self):
        """Several hundred, for longer than a heartbeat, in both forms."""
        url = self.feed("--heartbeat", "500ms", n=600, step=4)
        got = self.parses(url, old([5, 6]))
        self.assertEqual(got[0], response(state={"5": "normal", "6": "normal"}))
        self.assertEqual([m["data"]["gps"]["speed"] for m in got[1:400]], list(range(399)))
        got = self.parses(url, new({"type": "state", "trackers": [6]}, dict(BATCHES, rate_limit="1ms")))
        self.assertEqual(got[0]["data"]["state"], {"value": {"6": "normal"}, "success": True})

    def test_closes_at_once(self):
        """Clients that leave right after connecting, right after a request, and without
        a close; the server continues."""
        url = self.feed(n=450, step=4)
        for how in ("close", "ask-close", "ask-terminate"):
            for _ in range(2):
                _, p = self.run_ws(url + PATH, how, new(STATES))
                self.assertEqual(p.popen.returncode, 0, p.err)
        self.server.wait_for(rb"client 6 disconnected")
        self.parses(url, old([5, 6]))
        self.stop()

    def test_fragments_and_pings(self):
        """A request in many frames with pings between them; big answers."""
        url = self.feed()
        got, p = self.run_ws(url + PATH, "fragments", old([5, 6] + list(range(1000, 9000))))
        self.assertEqual(p.popen.returncode, 0, p.err)
        self.assertEqual(len(got[0]["data"]["state"]), 8002)
        self.assertIn({"pong": "between"}, got[1:])
        self.assertIn(5, [m["data"]["source_id"] for m in got if m.get("event") == "state"])


class Websockets(ClientCase):
    """Python's websockets."""

    async def test_both_forms(self):
        url = self.feed()
        async with self.connect(url) as a, self.connect(url, compression="deflate") as b:
            self.assertEqual(await self.subscribed(a, old([5])), response(state={"5": "normal"}))
            self.assertEqual(await self.subscribed(b, new({"type": "state", "trackers": [6]})),
                             response(state={"value": {"6": "normal"}, "success": True}))
            for ws, source in ((a, 5), (b, 6)):
                self.assertEqual(ws.extensions if hasattr(ws, "extensions") else ws.protocol.extensions, [])
                for _ in range(50):
                    self.assertEqual((await self.recv_json(ws))["data"]["source_id"], source)

    async def test_async_for(self):
        """The loop of its documentation, which parses all and ends with the
        server."""
        url = self.feed("--heartbeat", "500ms", n=300, step=5)
        seen = []
        async with self.connect(url) as ws:
            await ws.send(old([5, 6]))
            async for text in ws:
                seen.append(json.loads(text))
                if len(seen) == 301:
                    await ws.close()
        self.assertEqual([m["data"]["gps"]["speed"] for m in seen[1:]], list(range(300)))

    async def test_closes_at_once(self):
        url = self.feed()
        for _ in range(5):
            async with self.connect(url):
                pass
            async with self.connect(url) as ws:
                await ws.send(new(STATES))
            ws = await self.connect(url)
            await ws.send(new(STATES))
            ws.transport.abort()
            await ws.wait_closed()
        self.server.wait_for(rb"client 15 disconnected")
        async with self.connect(url) as ws:
            await self.subscribed(ws, old([5]))

    async def test_fragments(self):
        """A request in pieces, and a ping while states come."""
        url = self.feed()
        async with self.connect(url) as ws:
            text = old([5, 6])
            await ws.send([text[:1], text[1:20], "", text[20:]])
            self.assertEqual((await self.recv_json(ws))["type"], "response")
            await asyncio.wait_for(await ws.ping(), evtest.DEADLINE)
            self.assertEqual((await self.recv_json(ws))["event"], "state")

    async def test_binary(self):
        """JSON in a binary message is JSON; other bytes are answered with an error, in
        text."""
        url = self.feed()
        async with self.connect(url) as ws:
            await ws.send(old([5]).encode())
            self.assertEqual((await self.recv_json(ws))["type"], "response")
            await ws.send(b"\xff\xfe\0{")
            while (m := await self.recv_json(ws))["type"] == "event":
                pass
            self.assertEqual((m["type"], m["action"], m["status"]["code"]), ("error", None, 5))

    async def test_texts_that_are_cut(self):
        """A refusal quotes only complete UTF-8, since clients close the connection on
        other bytes."""
        url = self.feed()
        async with self.connect(url) as ws:
            for n in range(56, 61):
                await ws.send(json.dumps({"action": "x" * n + "é€"}, ensure_ascii=False))
                self.assertEqual((await self.recv_json(ws))["status"]["code"], 7)

    async def test_too_long(self):
        """More than a mebibyte is refused with the code for it."""
        url = self.feed()
        async with self.connect(url) as ws:
            await ws.send("[" + " " * (1 << 20) + "]")
            with self.assertRaises(websockets.ConnectionClosed):
                await self.recv(ws)
            self.assertEqual(ws.close_code, 1009)

    async def test_server_ends(self):
        url = self.feed("--speed", "0.1")
        async with self.connect(url) as ws:
            await self.subscribed(ws, old([5]))
            self.server.signal(evtest.SIGTERM)
            await self.drain(ws)
            self.assertEqual(ws.close_code, 1001)
        self.server.finish()

    async def test_no_secret_is_told(self):
        """No notice shows the hash, whatever is wrong with the request."""
        url = self.feed()
        async with self.connect(url) as ws:
            for text in (old([5], events=["x"]), old("x"), new({"type": HASH}), "{" + old([5])):
                await ws.send(text)
                self.assertEqual((await self.recv_json(ws))["type"], "error")
        self.stop()
        self.assertNotIn(HASH.encode(), self.server.err)


if __name__ == "__main__":
    unittest.main()
