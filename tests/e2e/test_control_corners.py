"""Corner cases of the API: limits, the last item of a list, slow readers, several
tapes."""

import json
import os
import subprocess
import threading
import unittest

import evtest
from test_control import ControlCase, life, mark, moved
from test_control_deck import DeckCase
from test_replay import MS, S, state
from test_replay_ws import Raw, WsCase


class Looking(ControlCase):
    def test_more_only_where_there_is_more(self):
        """Exactly as many as were asked for: nothing is left."""
        self.serve(self.states(n=10))
        for query in ({"limit": 10}, {"limit": 3, "to": "+30ms"}, {"limit": 4, "source": "10001"}):
            self.assertFalse(self.get("frames", from_="+0s", **query)["more"], query)

    def test_events_add_up_to_frames(self):
        """As in the document's example, and in the timeline, which counts marks."""
        self.serve(self.tape("t.tape", [(0, state(1, 1)), mark(1, {"mark": "note", "text": "a"}, 7), (2, "X")]))
        got = self.get("tape")
        self.assertEqual(sum(e["frames"] for e in got["events"]), got["frames"])
        line = self.get("timeline", buckets=5)
        self.assertEqual({e["name"]: sum(e["counts"]) for e in line["events"]}, {e["name"]: e["frames"] for e in got["events"]})

    def test_a_track_of_one_point(self):
        """A line has two points: the first and the last."""
        self.serve(self.tape("t.tape", [(i * S, moved(1, i)) for i in range(9)]))
        got = self.get("sources/1/track", max=1)
        self.assertEqual(got["geometry"]["coordinates"], [[0, 0], [-8, 8]])

    def test_marks_of_two_tapes_in_order_of_time(self):
        self.serve(self.tape("a.tape", [mark(S, {"mark": "note", "text": "1"}, 7), mark(3 * S, {"mark": "note", "text": "3"}, 7)]),
                   self.tape("b.tape", [mark(2 * S, {"mark": "note", "text": "2"}, 7)]))
        self.assertEqual([m["text"] for m in self.get("marks")["marks"]], ["1", "2", "3"])

    def test_frames_between_nothing(self):
        """An empty window is answered; a window that ends before it begins is refused."""
        self.serve(self.states())
        self.assertEqual(self.get("frames", from_="+1s", to="+1s"), {"frames": [], "more": False})
        self.refused(400, "from must not be after to", "GET", "/api/frames?from=%2B2s&to=%2B1s")


class Deck(DeckCase):
    async def test_empty_strings(self):
        """An empty text works, but UBSan would end the program at memchr() of a NULL
        pointer."""
        self.serve()
        for call, body in (("seek", '{"to":""}'), ("speed", '{"speed":""}'), ("filter", '{"sources":[""]}')):
            self.refused(400, ".", "POST", "/api/deck/" + call, body)

    async def test_a_window_ends(self):
        """After it the deck can be anywhere again."""
        self.serve()
        self.post("window", from_="+5s", to="+8s")
        self.post("window")
        self.assertEqual(self.at(self.post("seek", to="+2s")), 2)
        self.post("window", from_="+5s")
        self.post("window", to="+3s")
        self.assertEqual(self.at(self.post("seek", to="+1s")), 1)

    async def test_anew_behind_a_window(self):
        self.serve()
        self.post("window", from_="+5s")
        self.post("window")
        self.post("seek", to="+100s")
        self.post("speed", speed="max")
        self.post("play")
        self.wait_until("the end", lambda: self.deck()["ended"])
        self.post("speed", speed=1)
        self.assertLess(self.at(self.post("play")), 1)

    async def test_states_of_sources_that_were_not_heard_of(self):
        """A message that is not a reset has only the changes."""
        self.serve(self.tape("t.tape", [(0, moved(1, 1)), (S, moved(2, 2)), (2 * S, moved(3, 3))]))
        async with self.control("states") as ws:
            await self.message(ws, "states", lambda m: m["reset"])
            self.post("step")
            m = await self.message(ws, "states")
            self.assertEqual([s["id"] for s in m["sources"]], [1])

    async def test_a_source_that_is_removed(self):
        """GET /api/sources has it no more; a subscriber must be able to know."""
        self.serve(self.tape("t.tape", [(0, moved(1, 1)), (S, life(1, "corrupt"))]))
        async with self.control("states") as ws:
            for _ in range(2):
                self.post("step")
                m = await self.message(ws, "states", lambda m: not m["reset"])
            self.assertEqual(self.get("sources")["sources"], [])
            self.assertNotEqual([dict(s, time_ns=0) for s in m["sources"]],
                                [dict(s, time_ns=0) for s in self.get("sources", at="+1s")["sources"]])

    async def test_a_slow_subscriber_is_told_all_states_in_the_end(self):
        """Messages may be left out; their changes must come later."""
        n, rounds = 3000, 16
        rows = [(r * 300 * MS + i, moved(i, 1 if r == 0 else (r if i % 2 or r < rounds - 1 else rounds - 2)))
                for r in range(rounds) for i in range(n) if r < rounds - 1 or i % 2 == 0 or r == 0]
        self.serve(self.tape("t.tape", rows))
        ws = Raw(self.url + "/", target="/control?with=states", rcvbuf=4096)
        self.addCleanup(ws.close)
        self.assertIn(" 101 ", ws.response())
        self.post("play")
        self.wait_until("the end", lambda: self.deck()["ended"])
        seen, caught_up, ended = {}, threading.Event(), []

        def read():
            while not caught_up.is_set():
                m = json.loads(ws.message()[1])
                if m["type"] == "states":
                    seen.update({s["id"]: s["lat"] for s in m["sources"]})
                    if m["reset"] and ended:
                        caught_up.set()
                if m["type"] == "deck" and m["deck"]["ended"]:
                    ended.append(m)
        reader = threading.Thread(target=read, daemon=True)
        reader.start()
        self.wait_until("it to have read all", caught_up.is_set)
        reader.join()
        stale = {s["id"]: (seen.get(s["id"]), s["lat"]) for s in self.get("sources")["sources"] if seen.get(s["id"]) != s["lat"]}
        self.assertEqual(len(stale), 0, list(stale.items())[:3])

    async def test_live_ends_with_the_recorder(self):
        tape = self.path("live.tape")
        rec = self.start("evtape-record", "-", "-o", tape, stdin=subprocess.PIPE)
        rec.popen.stdin.write(moved(1, 1).encode() + b"\n")
        rec.popen.stdin.flush()
        self.wait_until("the tape", lambda: os.path.exists(os.path.join(tape, "journal", "lock")) and
                        evtest.info(tape)["frames"] >= 1)
        self.serve(tape)
        self.post("play")
        self.wait_until("its end", lambda: self.deck()["live"])
        rec.popen.stdin.close()
        rec.finish()
        self.wait_until("the deck's end", lambda: self.deck()["ended"])
        self.assertFalse(self.deck()["live"])

    async def test_lost_frames_are_not_forgotten(self):
        """frames_lost_total does not fall when the filter changes."""
        tape = self.tape("t.tape", [(i * MS, moved(i % 50, i)) for i in range(3000)], block=4096)
        path = os.path.join(tape, "000001.ndjson.zst")
        with open(path, "r+b") as f:
            f.seek(os.path.getsize(path) // 2)
            byte = f.read(1)
            f.seek(-1, 1)
            f.write(bytes([byte[0] ^ 0xff]))
        self.serve_damaged(tape)
        self.post("speed", speed="max")
        self.post("play")
        self.wait_until("the end", lambda: self.deck()["ended"])
        self.assertGreater(self.lost(), 0)
        was = self.lost()
        self.post("filter", sources=[1])
        self.assertGreaterEqual(self.lost(), was)

    def serve_damaged(self, tape):
        url = WsCase.serve(self, "--start-paused", tape)
        self.url, self.host = url[:-len("/stream")], url.split("/")[2]

    def lost(self):
        return [float(line.split()[1]) for line in self.metrics().split("\n") if line.startswith("evtape_replay_frames_lost_total")][0]

    async def test_speeds_of_javascript(self):
        """3 * 0.1 is a number like others: it is rounded."""
        self.serve()
        status, _, body = self.request("POST", "/api/deck/speed", b'{"speed":0.30000000000000004}')
        self.assertEqual(status, 200, body)


if __name__ == "__main__":
    unittest.main()
