"""GET /api/clients: who is connected, what it asked for, what it was sent and what it
sent, also after its end; and what is never shown."""

import asyncio
import json
import unittest

from simcase import HASH, PATH, STATES, new
from test_control import moved
from test_control_deck import DeckCase
from test_replay import S, T0
from test_replay_ws import TOKEN

SECRET = "feedfacefeedface0badc0de"


class Clients(DeckCase):
    """Here n is the number of a client, which notices have too."""

    token = None

    def request(self, method, path, body=None, headers=()):
        token = {"Authorization": "Bearer " + self.token} if self.token else {}
        return super().request(method, path, body, dict(token, **dict(headers)))

    def listed(self):
        return {c["id"]: c for c in self.get("clients")["clients"]}

    def client(self, n, **query):
        return self.get("clients/%d" % n, **query)

    def until(self, what, n, good):
        """The client, once it is as wanted."""
        self.wait_until(what, lambda: good(self.client(n)))
        return self.client(n)

    async def test_who_is_there(self):
        self.serve()
        self.assertEqual(self.listed(), {})
        async with self.connect(self.url, "/control?with=frames", user_agent_header="a program/1"), \
                self.connect(self.url, PATH + "?deck=own&lang=de"), \
                self.connect(self.url, "/stream?speed=max", origin=self.url.replace("ws", "http")):
            self.wait_until("three clients", lambda: len(self.listed()) == 3)
            got = self.listed()
        self.assertEqual(list(got), [3, 2, 1])
        self.assertEqual([(c["kind"], c["deck"], c["path"], c["query"]) for c in got.values()], [
            ("stream", "own", "/stream", {"speed": "max"}), ("standin", "own", PATH, {"deck": "own", "lang": "de"}),
            ("control", "shared", "/control", {"with": "frames"})])
        self.assertEqual(got[1]["user_agent"], "a program/1")
        self.assertEqual(got[3]["origin"], self.url.replace("ws", "http"))
        for c in got.values():
            self.assertRegex(c["address"], r"^127\.0\.0\.1:\d+$")
            self.assertRegex(c["since"], r"Z$")
            self.assertIsNone(c["ended"])

    async def test_a_stand_in_client(self):
        self.serve()
        async with self.connect(self.url) as ws:
            await ws.send('{"action":"dance"}')
            await self.recv(ws)
            two = {"type": "selected", "tracker_ids": [10001, 10002]}
            batches = new({"type": "state_batch", "target": two, "rate_limit": "5s", "format": "compact"})
            await self.subscribed(ws, batches)
            self.post("step")
            await self.subscribed(ws, new(STATES))
            await self.recv(ws)
            got = self.client(1)
        one = got["client"]
        self.assertEqual(one["asked"], "state of all sources; state_batch of 2 sources, at most one in 5 s, compact")
        self.assertEqual([json.loads(r)["requests"] for r in one["requests"]], [json.loads(batches)["requests"], [STATES]])
        self.assertEqual((one["received"]["messages"], one["sent"]["messages"]), (3, len([m for m in got["messages"] if m["way"] == "sent"])))
        # A request comes before its answer, and all in their order.
        self.assertEqual([m["way"] for m in got["messages"][:4]], ["received", "sent", "received", "sent"])
        self.assertEqual(got["messages"][0]["text"], '{"action":"dance"}')
        self.assertEqual(json.loads(got["messages"][1]["text"])["type"], "error")
        self.assertLessEqual(one["since_ns"], got["messages"][0]["time_ns"])
        self.assertEqual(sorted(m["time_ns"] for m in got["messages"]), [m["time_ns"] for m in got["messages"]])
        self.assertEqual(sum(m["bytes"] for m in got["messages"] if m["way"] == "sent"), one["sent"]["bytes"])
        self.assertFalse(any(m["waiting"] for m in got["messages"] if m["way"] == "sent"))
        # Only newer ones.
        newer = self.client(1, after_sent=1, after_received=2)["messages"]
        self.assertEqual(newer, [m for m in got["messages"] if m["no"] > (1 if m["way"] == "sent" else 2)])
        # It left, and stays in the list.
        one = self.until("the end", 1, lambda c: c["client"]["ended"])["client"]
        self.assertEqual((one["ended"]["by"], one["ended"]["code"], one["ended"]["cut_off"]), ("client", 1000, False))
        self.assertEqual(self.client(1)["messages"], got["messages"])

    async def test_frames_of_a_stream(self):
        """All clients of a deck share what is kept; each shows its own."""
        self.serve("--shared", self.tape("t.tape", self.rows()))
        async with self.connect(self.url, "/stream") as a:
            self.post("step")
            first = await self.recv(a)
            async with self.connect(self.url, "/stream") as b:
                self.wait_until("the second", lambda: 2 in self.listed())
                self.post("step")
                second = await self.recv(a)
                self.assertEqual(await self.recv(b), second)
                await b.send("hello?")
                one, two = self.client(1), self.until("it", 2, lambda c: c["client"]["received"]["messages"])
            self.until("the end", 2, lambda c: c["client"]["ended"])
            self.post("step")
            await self.recv(a)
            self.assertEqual(self.client(2)["messages"], two["messages"])
            self.assertEqual(self.client(2)["client"]["sent"]["messages"], 1)
            self.assertEqual(self.client(1)["client"]["sent"]["messages"], 3)
        self.assertEqual([m["text"] for m in one["messages"]], [first, second])
        self.assertEqual([(m["way"], m["no"], m["text"]) for m in two["messages"]], [("sent", 1, second), ("received", 1, "hello?")])

    async def test_large_and_binary_messages(self):
        long = moved(1, 1)[:-1] + ',"pad":"' + "é" * 20000 + '"}'
        rows = [(0, long), "%d received 2 1 hex:%s\n" % (T0 + S, bytes(range(200, 256)).hex())]
        self.serve("--shared", self.tape("t.tape", rows))
        async with self.connect(self.url, "/stream") as ws:
            self.post("step")
            self.post("step")
            await self.recv(ws)
            await self.recv(ws)
            text, binary = self.client(1)["messages"]
        self.assertEqual((text["bytes"], text["cut"]), (len(long.encode()), True))
        self.assertTrue(long.startswith(text["text"]))
        self.assertGreater(len(text["text"].encode()), 3000)
        self.assertEqual((binary["binary"], binary["cut"], binary["base64"]), (True, False, "yMnKy8zNzs/Q0dLT1NXW19jZ2tvc3d7f4OHi4+Tl5ufo6err7O3u7/Dx8vP09fb3+Pn6+/z9/v8="))

    async def test_no_secret_is_shown(self):
        """Nor one of a query, a header, a message, an answer, or one that the client
        repeats in another form."""
        token = self.write("token", TOKEN)
        rows = [(0, moved(1, 1)), (S, json.dumps({"type": "event", "event": "state", "data": {"source_id": 2, "echo": SECRET}}))]
        self.serve("--token-file", token, self.tape("t.tape", rows))
        self.token = TOKEN
        path = PATH + "?token=%s&session_key=%s&deck=shared" % (TOKEN, SECRET)
        async with self.connect(self.url, path, user_agent_header="agent of " + SECRET) as ws:
            await self.subscribed(ws, json.dumps({"action": "subscribe", "hash": HASH, "requests": [STATES]}))
            await ws.send('{"action":"dance","password":"tiny"}')
            await ws.send("what is %s, what is %s?" % (HASH, TOKEN))
            while json.loads(await self.recv(ws))["type"] != "error":
                pass
            await self.recv(ws)
            raw = self.bytes("clients") + self.bytes("clients/1")
        for secret in (TOKEN, SECRET, HASH, "tiny"):
            self.assertNotIn(secret.encode(), raw, secret)
        one = self.client(1)["client"]
        self.assertEqual(one["query"], {"token": "*" * len(TOKEN), "session_key": "*" * len(SECRET), "deck": "shared"})
        self.assertEqual(one["user_agent"], "agent of " + "*" * len(SECRET))

    async def test_the_rules_of_the_api_hold(self):
        self.serve("--token-file", self.write("token", TOKEN), self.tape("t.tape", self.rows()))
        for path in ("/api/clients", "/api/clients/1"):
            status, _, _ = self.request("GET", path)
            self.assertEqual(status, 401, path)
            status, _, _ = self.request("GET", path, headers={"Origin": "http://evil.example", "Authorization": "Bearer " + TOKEN})
            self.assertEqual(status, 403, path)

    def test_wrong_calls(self):
        self.serve()
        for path in ("1", "x", "", "-1", "1/x", "99999999999999999999"):
            self.refused(404, "^no client ", "GET", "/api/clients/" + path)
        self.refused(405, "use GET", "POST", "/api/clients", b"{}")
        self.refused(400, "after_sent", "GET", "/api/clients/1?after_sent=x")

    def test_how_clients_end(self):
        url = self.serve("--shared", self.tape("t.tape", self.rows()))
        ends = {}
        for n, end in enumerate((
                lambda c: c.send(8, (4321).to_bytes(2, "big") + b"enough of " + SECRET.encode()), lambda c: c.send(3, b""),
                lambda c: c.close()), 1):
            c = self.raw(url)
            self.assertIn("101", c.response())
            self.wait_until("it", lambda n=n: n in self.listed())
            end(c)
            ends[n] = self.until("its end", n, lambda got: got["client"]["ended"])["client"]["ended"]
        self.assertEqual([(e["by"], e["code"], e["cut_off"]) for e in ends.values()],
                         [("client", 4321, False), ("server", 1002, False), ("client", None, False)])
        self.assertEqual([e["reason"] for e in ends.values()],
                         ["enough of " + SECRET, "it broke the WebSocket protocol", "it closed the connection without a close frame"])

    def test_one_that_is_cut_off(self):
        rows = [(i * S // 1000, moved(1, i)[:-1] + ',"pad":"' + "x" * 60000 + '"}') for i in range(1000)]
        url = self.serve("--shared", "--client-buffer", "1M", self.tape("t.tape", rows), paused=False)
        c = self.raw(url, rcvbuf=4096)
        self.assertIn("101", c.response())
        one = self.until("the end", 1, lambda got: got["client"]["ended"])["client"]
        self.assertEqual((one["ended"]["by"], one["ended"]["code"], one["ended"]["cut_off"]), ("server", None, True))
        self.assertIn("too far behind", one["ended"]["reason"])

    async def test_memory_is_bounded(self):
        """Old messages go; the counts stay true."""
        self.serve("--shared", self.tape("t.tape", [(i * S // 1000, moved(1, i)) for i in range(3000)]), paused=False)
        async with self.connect(self.url, "/stream") as ws:
            for _ in range(3000):
                await self.recv(ws)
            got = self.client(1)
        self.assertEqual(got["client"]["sent"]["messages"], 3000)
        kept = [m["no"] for m in got["messages"]]
        self.assertEqual((kept[-1], sorted(kept)), (3000, kept))
        self.assertLess(sum(m["bytes"] for m in got["messages"]), 32 << 10)
        for i in range(120):
            async with self.connect(self.url):
                pass
        self.wait_until("all have left", lambda: all(c["ended"] for c in self.listed().values()))
        self.assertEqual(len(self.listed()), 100)
        self.assertNotIn(1, self.listed())

    async def test_changes_on_control(self):
        self.serve()
        async with self.control("clients") as control:
            m = await self.message(control, "clients")
            self.assertEqual((m["reset"], [c["kind"] for c in m["clients"]]), (True, ["control"]))
            async with self.connect(self.url) as ws:
                m = await self.message(control, "clients", lambda m: any(c["id"] == 2 for c in m["clients"]))
                self.assertFalse(m["reset"])
                await self.subscribed(ws, new(STATES))
                await self.message(control, "clients", lambda m: any(c["asked"] == "state of all sources" for c in m["clients"]))
            await self.message(control, "clients", lambda m: any(c["ended"] for c in m["clients"]))
            # Nothing changes any more: nothing is sent.
            sent = self.client(1)["client"]["sent"]["messages"]
            await asyncio.sleep(2.5)
            self.assertLessEqual(self.client(1)["client"]["sent"]["messages"], sent + 1)


if __name__ == "__main__":
    unittest.main()
