"""GET /api/find: the hits of `evtape find`, from a server that goes on playing."""

import json
import socket
import unittest

import evtest
from evtest import run
from test_control import ControlCase, batch, gap, gps, life, moved
from test_replay import MS, S, T0


class Find(ControlCase):
    ROWS = [(0, moved(1, 1)), (S, moved("a", 1)), (2 * S, batch(gps(1, 2), gps(2, 70))), (3 * S, life(2, "block")), gap(4 * S, reason="x"),
            (5 * S, moved(1, 80)), (900 * S, moved("a", 5)), (901 * S, moved(1, 81))]

    def same(self, tape, expression, *options, more=False, **query):
        """The hits are the very lines of `evtape find --json`."""
        lines = evtest.lines(run("evtape", "find", "--json", "-q", *options, tape, expression).stdout)[:query.get("limit", 100)]
        got = self.bytes("find", q=expression, **query)
        self.assertTrue(got.startswith(b'{"hits":[' + b",".join(lines) + b'],"more":' + (b"true," if more else b"false,")), got)
        return len(lines)

    def test_the_hits_are_those_of_the_command(self):
        tape = self.tape("t.tape", self.ROWS)
        self.serve(tape)
        self.assertEqual(self.same(tape, "gps.speed > 60"), 3)
        self.assertEqual(self.same(tape, "jump > 500 m or changed gps.speed or gap"), 5)
        self.assertEqual(self.same(tape, "silent > 10 m"), 3)
        self.assertEqual(self.same(tape, "silent > 10 m", "--from", "+1s", "--to", "+901s", from_="+1s", to="+901s"), 3)
        self.assertEqual(self.same(tape, "changed gps.speed", "--from", "+5s", from_="+5s"), 3)
        self.assertEqual(self.same(tape, "gps.speed > 1", "--source", "1", source="1"), 3)
        self.assertEqual(self.same(tape, "gps.speed > 1", "--event", "state_batch", event="state_batch"), 2)
        self.assertEqual(self.same(tape, "gps.speed > 1000"), 0)
        self.assertEqual(self.same(tape, "gps.speed > 1", limit=2, more=True), 2)
        got = self.get("find", q="gps.speed > 60", to="+6s")
        self.assertEqual((got["from_ns"], got["to_ns"], got["frames"]), (T0, T0 + 6 * S, 5))
        self.assertEqual(self.get("find", q="gap")["to_ns"], T0 + 901 * S)

    def test_two_tapes_are_searched_together(self):
        a = self.tape("a.tape", [(i * 2 * S, moved(1, i)) for i in range(5)])
        b = self.tape("b.tape", [(i * 2 * S + S, moved(2, i)) for i in range(5)])
        self.serve(a, b)
        self.assertEqual([(h["source"], h["value"], h["before"]) for h in self.get("find", q="gps.speed >= 3")["hits"]],
                         [(1, 3, 2), (2, 3, 2), (1, 4, 3), (2, 4, 3)])

    def test_an_empty_tape_and_refusals(self):
        self.serve(self.tape("t.tape", []))
        self.refused(404, "empty", "GET", "/api/find?q=gap")
        self.server.finish(evtest.SIGTERM)
        self.serve(self.tape("u.tape", self.ROWS))
        for query, words in (("", "q="), ("q=", "^column 1: "), ("q=a+%3E", "^column 4: a value is missing"), ("q=gap&limit=0", "limit"),
                             ("q=gap&limit=1001", "limit"), ("q=gap&from=x", "bad time"), ("q=gap&source=,", "source"),
                             ("q=gap&from=%2B2s&to=%2B1s", "before to")):
            with self.subTest(query):
                self.refused(400, words, "GET", "/api/find?" + query)
        self.refused(405, "GET", "POST", "/api/find?q=gap", b"{}")

    def test_a_deck_plays_on_and_a_client_may_leave(self):
        """Searches that read everything, with a deck that plays: the deck goes on during
        them, and one whose client left ends."""
        tape = self.tape("t.tape", [(i * MS, moved(i % 50, i % 90)) for i in range(60000)])
        self.serve("--speed", "1", tape, paused=False)
        searches = []
        for _ in range(6):
            s = socket.create_connection(tuple(self.host.split(":")), timeout=evtest.DEADLINE)
            self.addCleanup(s.close)
            s.sendall(b"GET /api/find?q=gps.speed+%3E+1000+or+jump+%3E+30000+km HTTP/1.1\r\nHost: " + self.host.encode() + b"\r\n\r\n")
            searches.append(s)
        searches.pop().close()
        self.post("play")
        before = self.deck()["frames"]
        self.wait_until("the deck to go on", lambda: self.deck()["frames"] > before)
        for s in searches:
            answer = b"".join(iter(lambda s=s: s.recv(65536), b""))
            self.assertEqual(json.loads(answer.split(b"\r\n\r\n", 1)[1])["frames"], 60000)


if __name__ == "__main__":
    unittest.main()
