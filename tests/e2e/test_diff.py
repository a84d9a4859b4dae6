"""evtape diff: the differences of two tapes, source by source."""

import json

import tooltest
from tooltest import S, T0


def frame(ms, payload, opcode=1):
    if not isinstance(payload, str):
        payload = json.dumps(payload, separators=(",", ":"))
    return "%d received %d 1 %s" % (T0 + ms * S // 1000, opcode, payload)


def state(ms, source, **fields):
    return frame(ms, {"event": "state", "data": dict(source_id=source, **fields)})


class Diff(tooltest.Case):
    def diff(self, a, b, *options, check=3):
        tapes = [self.make("%s%d.tape" % (n, len(options)), lines) for n, lines in (("a", a), ("b", b))]
        got = self.json_lines("diff", "--json", *tapes, *options, check=check)
        return got[:-1], got[-1]

    def setUp(self):
        super().setUp()
        self.lines = [state(i * 100, 1 + i % 3, n=i) for i in range(60)]

    def test_the_same(self):
        later = [state(10**6 + i * 100, 1 + i % 3, n=i) for i in range(60)]
        some, sums = self.diff(self.lines, later, check=0)
        self.assertEqual(some, [])
        self.assertEqual((sums["same"], sums["changed"], sums["missing"], sums["extra"]), (60, 0, 0, 0))
        self.assertEqual(sums["shift_ns"], {"p50": 0, "min": 0, "max": 0})
        _, sums = self.diff(self.lines, later, "--absolute", check=0)
        self.assertEqual(sums["shift_ns"]["p50"], 1000 * S)

    def test_form_does_not_count(self):
        a = [frame(0, '{"event":"state","data":{"source_id":1,"x":1.0,"y":[1,2],"z":"\\u0041"}}')]
        b = [frame(0, '{"data":{"z":"A","y":[1,2.0],"x":1,"source_id":1},"event":"state"}')]
        self.assertEqual(self.diff(a, b, check=0)[1]["same"], 1)

    def test_one_is_missing_and_one_is_extra(self):
        b = list(self.lines)
        del b[30]
        b.insert(50, state(5050, 2, n="new"))
        some, sums = self.diff(self.lines, b)
        self.assertEqual([(d["kind"], d["source"]) for d in some], [("missing", "1"), ("extra", "2")])
        self.assertEqual(some[0]["a"]["seq"], 31)
        self.assertEqual(some[1]["b"]["seq"], 51)
        self.assertEqual((sums["same"], sums["changed"]), (59, 0))

    def test_fields_that_changed(self):
        b = list(self.lines)
        b[7] = state(750, 2, n=8, new={"a/b": [1]})
        some, sums = self.diff(self.lines, b)
        self.assertEqual(len(some), 1)
        self.assertEqual(some[0]["fields"], [{"pointer": "/data/n", "a": 7, "b": 8},
                                             {"pointer": "/data/new", "b": {"a/b": [1]}}])
        self.assertEqual(some[0]["shift_ns"], 50 * 10**6)
        self.assertEqual(sums["shift_ns"], {"p50": 0, "min": 0, "max": 50 * 10**6})
        self.assertEqual(self.diff(self.lines, b, "--ignore", "/data/n", "--ignore", "/data/new", check=0)[1]["same"], 60)

    def test_for_people(self):
        b = list(self.lines)
        b[7] = state(700, 2, n=8)
        del b[3]
        tapes = self.make("a.tape", self.lines), self.make("b.tape", b)
        self.assertEqual(self.out("diff", *tapes, check=3).decode(), (
            "- 2023-11-14T22:13:20.300Z  1  state  frame 4\n"
            "~ 2023-11-14T22:13:20.700Z  2  state  frame 8 and 7\n"
            "    /data/n: 7 -> 8\n"
            "58 the same, 1 changed, 1 missing on B, 0 extra on B\n"
            "B is shifted by 0.000000 s (median), 0.000000 to 0.000000 s\n"))
        self.assertEqual(len(self.out("diff", "--summary", *tapes, check=3).splitlines()), 2)
        self.assertEqual(len(self.out("diff", "--limit", 1, *tapes, check=3).splitlines()), 3)
        self.assertEqual(self.out("diff", "--source", "3", "--summary", *tapes).splitlines()[0],
                         b"20 the same, 0 changed, 0 missing on B, 0 extra on B")

    def test_states_of_a_batch_are_compared_one_by_one(self):
        def batch(*values):
            return frame(0, {"event": "state_batch", "data": [
                {"type": "source_state_event", "state": {"source_id": i, "gps": {"speed": v}}} for i, v in values]})
        some, sums = self.diff([batch((1, 10), (2, 20), (3, 30))], [batch((2, 20), (1, 11))])
        self.assertEqual([(d["kind"], d["source"], d["a"]["record"]) for d in some], [("changed", "1", 0), ("missing", "3", 2)])
        self.assertEqual(some[0]["fields"], [{"pointer": "./gps/speed", "a": 10, "b": 11}])
        self.assertEqual(sums["same"], 1)

    def test_ignored_in_states_alone_and_in_batches(self):
        def both(v):
            return [state(0, 1, gps={"speed": v}), frame(1, {"event": "state_batch", "user_time": v, "data": [
                {"state": {"source_id": 1, "gps": {"speed": v}}}]})]
        self.assertEqual(self.diff(both(1), both(2))[1]["changed"], 2)
        self.assertEqual(self.diff(both(1), both(2), "--ignore", "./gps/speed", check=0)[1]["same"], 2)
        self.assertEqual(self.diff(both(1), both(2), "--ignore", "/data/gps/speed", "--summary")[1]["changed"], 1)

    def test_a_whole_field_differs_everywhere(self):
        b = [state(i * 100, 1 + i % 3, n=i, fixed=True) for i in range(60)]
        some, sums = self.diff(self.lines, b, "--window", "4")
        self.assertEqual(sums["changed"], 60)
        self.assertEqual([d["a"]["seq"] for d in some], list(range(1, 61)))
        self.assertTrue(all(d["fields"] == [{"pointer": "/data/fixed", "b": True}] for d in some))

    def test_a_long_piece_is_missing(self):
        a = [state(i, 1, n=i) for i in range(6000)]
        self.assertEqual(self.diff(a, a[3000:])[1], {"same": 3000, "changed": 0, "missing": 3000, "extra": 0,
                                                    "shift_ns": {"p50": -3 * S, "min": -3 * S, "max": -3 * S}})

    def test_frames_that_are_no_json(self):
        a = [frame(0, "hex:00ff", 2), frame(1, "{bad"), frame(2, "X")]
        some, sums = self.diff(a, [frame(0, "hex:00fe", 2), frame(1, "{bad"), frame(2, "X")])
        self.assertEqual((sums["same"], sums["changed"]), (2, 1))
        self.assertEqual(some[0]["fields"], [])
        self.assertEqual(some[0]["source"], "")

    def test_empty_and_bad(self):
        empty, full = self.make("e.tape", []), self.make("f.tape", self.lines)
        self.assertEqual(self.json("diff", "--json", empty, empty)["same"], 0)
        self.assertEqual(self.json_lines("diff", "--json", "--summary", empty, full, check=3)[0]["extra"], 60)
        self.fails(1, "there is no tape", "diff", full, self.path("none"))
        self.fails(2, "too few arguments", "diff", full)
        self.fails(2, "is not a JSON pointer", "diff", "--ignore", "gps", full, full)
