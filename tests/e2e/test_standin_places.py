"""The stand-in's states at each place of the tape: they must be the same after playing
up to it and after a move to it."""

import datetime
import json
import unittest

import evtest
from simcase import ALL, PATH, STATES, SimCase, new, old
from test_replay import MS, T0
from test_replay_ws import WsCase
from test_standin_rest import life, state


class PlaceCase(WsCase, SimCase):
    def rows(self, *rows):
        """Rows of (ms, payload), or (ms, payload, connection)."""
        return ["%d received 1 %d %s\n" % (T0 + r[0] * MS, r[2] if len(r) > 2 else 1, r[1]) for r in rows]

    def listen(self, rows, *args, more=None):
        tapes = [self.tape("t%d.tape" % i, self.rows(*r)) for i, r in enumerate([rows] + ([more] if more else []))]
        return self.serve(*tapes, *args)[:-len("/stream")]

    async def texts(self, ws, n):
        return [await self.recv(ws) for _ in range(n)]

    def api(self, url, call, body):
        p = self.spawn(["curl", "-sS", "-f", "--max-time", str(evtest.DEADLINE), "-d", json.dumps(body),
                        url.replace("ws://", "http://") + "/api/deck/" + call])
        p.finish()

    async def told(self, url, n, ids=(5, 6)):
        """The status of each, and the first n events."""
        async with self.connect(url, PATH + "?deck=own") as ws:
            answer = await self.subscribed(ws, old(list(ids)))
            return answer["data"]["state"], await self.texts(ws, n)


class Places(PlaceCase):
    async def test_removed_stays_removed(self):
        """A state that was under way when its source was removed does not bring
        it back."""
        rows = [(0, state(5, 1)), (10, life(5, "corrupt")), (20, state(5, 2)), (30, state(6, 3))]
        url = self.listen(rows)
        _, got = await self.told(url, 3)
        self.assertEqual(got, [rows[0][1], rows[1][1], rows[3][1]])
        self.stop()
        url = self.listen(rows, "--from", "+25ms")
        got = await self.told(url, 1)
        self.assertEqual(got, ({"5": "unknown", "6": "normal"}, [rows[3][1]]))

    async def test_heard_of_again(self):
        """On a later connection there is a source of that number again."""
        rows = [(0, state(5, 1)), (10, life(5, "corrupt")), (20, state(5, 2), 2), (30, state(6, 3), 2)]
        url = self.listen(rows)
        self.assertEqual((await self.told(url, 4))[1], [r[1] for r in rows])
        self.stop()
        url = self.listen(rows, "--from", "+25ms")
        self.assertEqual(await self.told(url, 2), ({"5": "normal", "6": "normal"}, [rows[2][1], rows[3][1]]))

    async def test_blocked_on_another_tape(self):
        """Each tape counts its connections from 1: the first of the second tape
        is not the first of the first."""
        first = [(0, state(5, 1)), (10, life(5, "block"))]
        second = [(20, state(5, 2)), (30, state(6, 3))]
        url = self.listen(first, more=second)
        got = (await self.told(url, 5))[1]
        self.assertEqual(got, [first[0][1], first[1][1], life(5, "unblock"), second[0][1], second[1][1]])
        self.stop()
        url = self.listen(first, "--from", "+25ms", more=second)
        self.assertEqual(await self.told(url, 2), ({"5": "normal", "6": "normal"}, [second[0][1], second[1][1]]))

    async def test_removed_on_another_tape(self):
        first = [(0, state(5, 1)), (10, life(5, "corrupt"))]
        second = [(20, state(5, 2)), (30, state(6, 3))]
        url = self.listen(first, more=second)
        self.assertEqual((await self.told(url, 4))[1], [r[1] for r in first + second])
        self.stop()
        url = self.listen(first, "--from", "+25ms", more=second)
        self.assertEqual((await self.told(url, 2))[1], [r[1] for r in second])

    async def test_states_while_blocked(self):
        """No state of a blocked tracker is sent, not even one that came on the same
        connection; the newest is sent after the block ends."""
        rows = [(0, state(5, 1)), (10, life(5, "block")), (20, state(5, 2)), (30, life(5, "unblock")),
                (40, state(5, 3)), (50, state(6, 4))]
        url = self.listen(rows)
        self.assertEqual((await self.told(url, 5))[1], [rows[i][1] for i in (0, 1, 3, 4, 5)])
        self.stop()
        url = self.listen(rows, "--from", "+25ms")
        self.assertEqual(await self.told(url, 3), ({"5": "blocked", "6": "normal"}, [rows[i][1] for i in (3, 4, 5)]))

    async def test_the_users_offset_at_once(self):
        """States that come with the subscription have it in their ISO dates,
        though no frame was played yet."""
        url = self.listen([(0, state(5, 1)), (5000, state(5, 2))], "--from", "+1s", "--start-paused")
        for request in (dict(STATES, iso_datetime=True),
                        {"type": "state_batch", "target": ALL, "rate_limit": "1s", "iso_datetime": True}):
            async with self.connect(url) as ws:
                await self.subscribed(ws, new(request))
                m = await self.recv_json(ws)
                data = m["data"] if isinstance(m["data"], dict) else m["data"][0]["state"]
                self.assertEqual((m["user_time"], data["gps"]["updated"], data["last_update"]),
                                 ("2026-03-01T06:51:43-06:00",) * 3)

    async def test_the_offset_of_the_place(self):
        """Where the user's clock was put back, and where an event was an hour late."""
        begin = datetime.datetime(2026, 3, 1, 6, 51, 43)
        rows = [(1000 * s, state(5, s, time=str(begin + datetime.timedelta(seconds=s, hours=-(s >= 100 or s == 50)))))
                for s in range(0, 200, 10)]
        url = self.listen(rows, "--start-paused")
        async with self.connect(url) as ws:
            await self.subscribed(ws, new(dict(STATES, iso_datetime=True)))
            for to, stamp in (("+101s", "2026-03-01T05:53:23-07:00"), ("+1s", "2026-03-01T06:51:43-06:00"),
                              ("+51s", "2026-03-01T05:52:33-06:00"), ("+91s", "2026-03-01T06:53:13-06:00")):
                self.api(url, "seek", {"to": to})
                self.assertEqual((await self.recv_json(ws))["user_time"], stamp)


class Requests(PlaceCase):
    """Odd requests, answered in JSON that any parser takes alike."""

    @staticmethod
    def unique(pairs):
        names = [name for name, _ in pairs]
        if len(set(names)) != len(names):
            raise ValueError("twice in an object: %s" % names)
        return dict(pairs)

    async def test_asked_twice(self):
        """An id, or a kind, that is named twice is answered once, and its state
        comes once."""
        url = self.listen([(0, state(5, 1)), (1, state(6, 2)), (5000, state(5, 3))], "--from", "+1s", "--start-paused")
        for request in (old([5, 5, 6]), old([5, 6], events=["state", "state"]),
                        new({"type": "state", "trackers": [5, 6]}, {"type": "state", "trackers": [6, 5]})):
            async with self.connect(url) as ws:
                await ws.send(request)
                answer = json.loads(await self.recv(ws), object_pairs_hook=self.unique)
                statuses = answer["data"]["state"]
                self.assertEqual(statuses.get("value", statuses), {"5": "normal", "6": "normal"})
                self.assertEqual(await self.texts(ws, 2), [state(5, 1), state(6, 2)])
                await ws.send("{}")
                self.assertEqual((await self.recv_json(ws))["type"], "error")

    async def test_clones(self):
        """All trackers, those that share a source among them."""
        listed = self.write("trackers.json", json.dumps([{"id": 70, "source": {"id": 5}}, {"id": 71, "source": {"id": 5}}]))
        url = self.listen([(0, state(5, 1))], "--trackers", listed)
        async with self.connect(url) as ws:
            answer = await self.subscribed(ws, new(STATES))
            self.assertEqual(answer["data"]["state"]["value"], {"70": "normal", "71": "normal"})


if __name__ == "__main__":
    unittest.main()
