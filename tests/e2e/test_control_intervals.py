"""GET /api/intervals: how often each source is heard of, which says when it is silent."""

import unittest

from test_control import ControlCase, batch, gps, moved
from test_replay import S


class Intervals(ControlCase):
    def got(self):
        return {s["id"]: (s["frames"], s["interval_ns"]) for s in self.get("intervals")["sources"]}

    def test_each_source(self):
        rows = [(i * 10 * S, moved(1, i)) for i in range(7)] + [(61 * S, moved("a", 1)), (63 * S, batch(gps(1, 1), gps("a", 2)))]
        self.serve(self.tape("t.tape", rows))
        self.assertEqual(self.got(), {1: (8, 9 * S), "a": (2, 2 * S)})

    def test_once_and_never(self):
        self.serve(self.tape("t.tape", [(0, moved(1, 1))]))
        self.assertEqual(self.got(), {1: (1, None)})

    def test_two_tapes(self):
        """A source that is on both has one rhythm."""
        a = self.tape("a.tape", [(i * S, moved(1, i)) for i in range(3)])
        b = self.tape("b.tape", [(10 * S, moved(1, i)) for i in range(3)] + [(11 * S, moved("1", 1))])
        self.serve(a, b)
        self.assertEqual(self.got(), {1: (6, 2 * S), "1": (1, None)})

    def test_an_empty_tape(self):
        self.serve(self.tape("t.tape", []))
        self.assertEqual(self.got(), {})
        self.refused(405, "use GET", "POST", "/api/intervals", b"{}")


if __name__ == "__main__":
    unittest.main()
