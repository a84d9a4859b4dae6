"""evtape cut, merge, split, recover: parts of tapes, and tapes from parts."""

import json
import os
import signal
import subprocess

import evtest
import tooltest
from tooltest import S, T0


def same(frames, but=("seq", "connection")):
    """Frames without the parts that a copy may change."""
    return [{k: v for k, v in f.items() if k not in but} for f in frames]


class Cut(tooltest.Case):
    def test_a_window_of_a_source(self):
        tape, new = self.many_blocks(), self.path("new.tape")
        options = ("--source", "10002", "--from", "+1m", "--to", "+3m")
        self.assertEqual(self.out("cut", tape, "-o", new, *options), b"")
        got = evtest.frames(new)
        self.assertEqual(same(got), same(evtest.frames(tape, *options)))
        self.assertEqual([f["seq"] for f in got], list(range(1, 31)))
        self.assertNotEqual(evtest.info(new)["id"], evtest.info(tape)["id"])
        self.assertEqual(evtest.info(new)["index"], "ok")

    def test_frames_of_all_shapes_and_marks_come_along(self):
        lines = ['%d/%d mark 3 1 {"mark":"connected"}' % (T0, T0 + 5), "%d received 2 1 hex:00ff" % (T0 + S),
                 "%d sent 1 1 X" % (T0 + S), '%d received 1 2 {"event":"state","data":{"source_id":"a"}}' % (T0 + 2 * S),
                 '%d mark 5 1 {"mark":"gap","frames":1}' % (T0 + 3 * S), "%d received 1 1 {bad" % (T0 + 4 * S)]
        tape = self.make("s.tape", lines)
        self.out("cut", tape, "-o", self.path("all.tape"))
        self.assertEqual(same(evtest.frames(self.path("all.tape")), ()), same(evtest.frames(tape), ()))
        self.out("cut", tape, "-o", self.path("a.tape"), "--source", "a")
        self.assertEqual([f.get("mark", f["kind"]) for f in evtest.frames(self.path("a.tape"))],
                         ["connected", "received", "gap"])

    def test_state_before_the_window(self):
        lines = ['%d received 1 1 {"event":"state","data":{"source_id":%d,"n":%d}}' % (T0 + i * S, 1 + i % 3, i)
                 for i in range(30)]
        lines.insert(8, '%d received 1 1 {"event":"state_batch","data":[{"source_id":1,"n":"b"},{"source_id":7}]}' %
                     (T0 + 15 * S // 2))
        lines.insert(9, '%d received 1 1 {"event":"lifecycle","data":{"source_id":2}}' % (T0 + 15 * S // 2))
        tape, new = self.make("s.tape", lines), self.path("new.tape")
        self.out("cut", tape, "-o", new, "--from", "+9s", "--to", "+11s", "--state")
        got = evtest.frames(new)
        self.assertEqual(got[0]["mark"], "state")
        # 1 said n=6, then was in the batch with 7; 2 said n=7, 3 said n=8.
        received = ["2023-11-14T22:13:%s0000000Z" % s for s in ("27.00", "27.50", "27.50", "28.00")]
        self.assertEqual(got[0]["payload"], {"mark": "state", "frames": 4, "before": "2023-11-14T22:13:29.000000000Z",
                                             "received": received})
        self.assertEqual([f["event"] for f in got[1:5]], ["state", "state_batch", "lifecycle", "state"])
        self.assertEqual({f["time_ns"] for f in got[:5]}, {T0 + 9 * S})
        self.assertEqual([f["payload"]["data"]["n"] for f in got[5:]], [9, 10])
        # They stretch neither the tape nor its replay.
        info = evtest.info(new)
        self.assertEqual((info["first_ns"], info["last_ns"]), (T0 + 9 * S, T0 + 10 * S))
        self.assertLessEqual({f["mono_ns"] for f in got[:5]}, {got[5]["mono_ns"]})
        self.assertNotIn("received", info["marks"][0]["payload"])
        # A part of the part has them, too.
        self.out("cut", new, "-o", self.path("again.tape"), "--from", "+1s", "--state")
        self.assertEqual([f["event"] for f in evtest.frames(self.path("again.tape"))[1:]],
                         ["state", "state_batch", "lifecycle", "state", "state", "state"])

    def test_state_of_some(self):
        tape, new = self.many_blocks(), self.path("new.tape")
        self.out("cut", tape, "-o", new, "--from", "+200s", "--to", "+201s", "--state", "--source", "10003,10002")
        got = evtest.frames(new)
        self.assertEqual([f["payload"].get("data", {}).get("n") for f in got], [None, 197, 198])
        self.fails(2, "give --from", "cut", tape, "-o", self.path("x.tape"), "--state")

    def test_nothing_is_overwritten_and_nothing_half_is_left(self):
        tape = self.states()
        self.fails(1, "already exists; name a new tape", "cut", tape, "-o", tape)
        self.fails(2, "name the tape to make", "cut", tape)
        self.fails(1, "there is no tape at", "cut", self.path("none"), "-o", self.path("x.tape"))
        self.fails(1, "there is no folder", "cut", tape, "-o", self.path("no/where.tape"))
        for blocks in (1, 8):  # in a segment, in the index
            limited = self.run_limited(blocks, "evtape", "cut", self.many_blocks("m%d.tape" % blocks), "-o",
                                       self.path("x.tape"))
            self.assertRegex(limited.stderr, rb"^evtape cut: [^\n]*(File too large|disk I/O error|full)[^\n]*\n$")
            self.nothing_left("x.tape")

    def test_of_a_damaged_tape(self):
        tape, new = self.many_blocks(), self.path("new.tape")
        self.flip(self.segment(tape, 2), 700)
        self.warns(3, "000002.*", "cut", tape, "-o", new)
        self.assertLess(evtest.info(new)["frames"], 400)


class Merge(tooltest.Case):
    def test_by_time_with_connections_apart(self):
        a = self.states("a.tape", n=20, step=2 * S)
        b = self.states("b.tape", n=20, step=2 * S, start=T0 + S)
        c = self.path("c.tape")
        self.assertEqual(self.json("merge", a, b, "-o", c, "--json"), {"frames": 40, "duplicates": 0})
        got = evtest.frames(c)
        self.assertEqual([f["time_ns"] for f in got], [T0 + i * S for i in range(40)])
        self.assertEqual([f["connection"] for f in got], [1, 2] * 20)
        self.assertEqual([f["seq"] for f in got], list(range(1, 41)))

    def test_duplicates_are_pairs_of_two_tapes(self):
        def line(ms, n):
            return '%d received 1 1 {"event":"state","data":{"source_id":1,"n":%d}}' % (T0 + ms * S // 1000, n)
        # a repeats 3 itself and misses 5; b is 20 ms later and misses 2.
        a = self.make("a.tape", [line(100, 1), line(200, 2), line(300, 3), line(400, 3), line(500, 4), line(900, 9)])
        b = self.make("b.tape", [line(120, 1), line(320, 3), line(420, 3), line(520, 4), line(560, 5), line(7000, 9)])
        c = self.path("c.tape")
        self.assertIn(b"8 frames, 4 duplicates left out",
                      evtest.run("evtape", "merge", "--dedup", a, b, "-o", c).stderr)
        self.assertEqual([f["payload"]["data"]["n"] for f in evtest.frames(c)], [1, 2, 3, 3, 4, 5, 9, 9])
        self.assertEqual(self.json("merge", "--dedup", "--dedup-window", "10s", "--json", a, b, "-o",
                                   self.path("d.tape"))["duplicates"], 5)

    def test_usage(self):
        self.fails(2, "too few arguments", "merge", self.states(), "-o", self.path("x"))
        self.fails(2, "name the tape to make", "merge", self.path("a.tape"), self.path("a.tape"))


class Split(tooltest.Case):
    def names(self, prefix):
        return sorted(n for n in os.listdir(self.dir) if n.startswith(prefix))

    def test_by_time(self):
        tape = self.states(n=10, step=1800 * S, extra=['%d mark 7 0 {"mark":"note","text":"n"}' % (T0 + 16300 * S)])
        made = self.json_lines("split", "--every", "1h", tape, "-o", self.path("h"), "--json")
        self.assertEqual(self.names("h-"), ["h-20231114T%02d0000Z.tape" % h for h in (22, 23)] +
                         ["h-20231115T%02d0000Z.tape" % h for h in (0, 1, 2)])
        self.assertEqual([m["frames"] for m in made], [2, 2, 2, 2, 3])
        joined = [f for m in made for f in evtest.frames(m["tape"])]
        self.assertEqual(same(joined), same(evtest.frames(tape)))

    def test_by_size(self):
        tape = self.path("g.tape")
        with subprocess.Popen([evtest.program("evtape-sim"), "--generate", "20000"], stdout=subprocess.PIPE) as sim:
            subprocess.run([evtest.program("evtape-record"), "-", "-o", tape, "-q"], stdin=sim.stdout, check=True)
        made = self.json_lines("split", "--size", "100KiB", tape, "-o", self.path("p"), "--json")
        self.assertGreater(len(made), 2)
        self.assertEqual([os.path.basename(m["tape"]) for m in made], ["p-%04d.tape" % (i + 1) for i in range(len(made))])
        self.assertEqual(sum(m["frames"] for m in made), evtest.info(tape)["frames"])

    def test_by_source(self):
        lines = ['%d received 1 1 {"event":"state","data":{"source_id":%s}}' % (T0 + i * S, k)
                 for i, k in enumerate((5, '"5"', '"a/b ü"', 6, 7, 8, 9, 10, 11, 12, 13, 14))]
        lines.append('%d received 1 1 {"event":"state_batch","data":[{"source_id":5},{"source_id":6}]}' % (T0 + 20 * S))
        lines.append('%d mark 5 1 {"mark":"gap"}' % (T0 + 21 * S))
        tape = self.make("s.tape", lines)
        self.out("split", "--by-source", tape, "-o", self.path("s"))
        self.assertEqual(self.names("s-"), sorted("s-%s.tape" % k for k in (
            5, "%225%22", "a%2fb%20%c3%bc", 6, 7, 8, 9, 10, 11, 12, 13, 14)))
        self.assertEqual(len(evtest.frames(self.path("s-5.tape"))), 3)
        self.assertEqual(len(evtest.frames(self.path("s-%225%22.tape"))), 2)
        self.assertEqual(len(evtest.frames(self.path("s-6.tape"))), 3)
        self.out("split", "--by-source", "--source", "9", tape, "-o", self.path("one"))
        self.assertEqual(self.names("one-"), ["one-9.tape"])
        self.out("split", "--by-source", "--source", '"5",7', tape, "-o", self.path("two"))
        self.assertEqual(self.names("two-"), ["two-%225%22.tape", "two-7.tape"])

    def test_by_source_with_any_id(self):
        """File systems have limits and special names: no id meets them."""
        ids = ["x" * 255, "x" * 254 + "y", "ü" * 127, "/" * 255, "..", ".", "a/../b", "-o", "a,b", "line\nbreak",
               "%41", "A", "~", "x" * 121, "x" * 120, "x" * 119, "\"", "1", "01", "-1", "1.5", "C:\\", "\x7f", "*"]
        lines = ['%d received 1 1 %s' % (T0 + i * S, json.dumps({"event": "state", "data": {"source_id": k}}, ensure_ascii=False))
                 for i, k in enumerate(ids + [1, -1])]
        tape = self.make("s.tape", lines)
        made = self.json_lines("split", "--by-source", tape, "-o", self.path("s"), "--json")
        self.assertEqual(len({m["tape"] for m in made}), len(ids) + 2)
        got = []
        for m in made:
            self.assertEqual(os.path.dirname(m["tape"]), self.dir)
            frame, = evtest.frames(m["tape"])
            got.append(frame["payload"]["data"]["source_id"])
        self.assertEqual(sorted(map(repr, got)), sorted(map(repr, ids + [1, -1])))

    def test_usage(self):
        tape = self.states()
        self.fails(2, "give one of", "split", tape, "-o", self.path("x"))
        self.fails(2, "exclude each other", "split", tape, "-o", self.path("x"), "--size", "1M", "--every", "1h")
        self.fails(2, "give the prefix of the new tapes' names", "split", "--every", "1h", tape)


class Recover(tooltest.Case):
    def test_past_bad_blocks(self):
        tape, new = self.many_blocks(), self.path("new.tape")
        whole = evtest.frames(tape)
        self.flip(self.segment(tape, 1), 700)
        self.flip(self.segment(tape, 3), 40)
        got = self.json_lines("recover", tape, "-o", new, "--json", check=3)[0]
        frames = evtest.frames(new)
        gaps = [f for f in frames if f.get("mark") == "gap"]
        kept = [f for f in frames if f["kind"] == "received"]
        self.assertEqual(got["places"], 2)
        self.assertEqual(len(gaps), 2)
        self.assertEqual(sum(g["payload"]["frames"] for g in gaps), got["lost"])
        self.assertEqual(got["saved"], len(kept))
        self.assertEqual(len(kept) + got["lost"], 400)
        numbers = {f["payload"]["data"]["n"] for f in kept}
        self.assertEqual(same(kept), same([f for f in whole if f["payload"]["data"]["n"] in numbers]))
        self.assertIn(399, numbers)
        evtest.run("evtape", "recover", new, "-o", self.path("again.tape"))

    def test_a_deleted_segment_and_a_missing_index(self):
        tape, new = self.many_blocks(), self.path("new.tape")
        os.unlink(self.segment(tape, 2))
        os.unlink(os.path.join(tape, "tape.db"))
        got = self.json_lines("recover", tape, "-o", new, "--json", check=3)[0]
        self.assertEqual(got, {"saved": 300, "lost": 100, "places": 1})

    def test_the_end_is_missing(self):
        tape, new = self.many_blocks(), self.path("new.tape")
        with open(self.segment(tape, 4), "r+b") as f:
            f.truncate(900)
        done = evtest.run("evtape", "recover", tape, "-o", new, check=None)
        self.assertIn(done.returncode, (0, 3))
        self.assertGreaterEqual(len(evtest.frames(new)), 300)

    def test_an_intact_tape_and_an_unclosed_one(self):
        tape = self.states()
        self.warns(0, "saved 100 frames of .* to .*; 0 lost in 0 places", "recover", tape, "-o", self.path("n.tape"))
        dead = self.path("dead.tape")
        subprocess.run([evtest.program("tests/mktape"), dead], check=False,
                       input=b"".join(b'%d received 1 1 {"n":%d}\n' % (T0 + i, i) for i in range(50)) + b"die\n")
        self.out("recover", dead, "-o", self.path("alive.tape"))
        self.assertEqual(len(evtest.frames(self.path("alive.tape"))), 50)
        self.assertTrue(os.listdir(os.path.join(dead, "journal")))  # as it was

    def test_interrupted(self):
        tape = self.path("g.tape")
        with subprocess.Popen([evtest.program("evtape-sim"), "--generate", "200000"], stdout=subprocess.PIPE) as sim:
            subprocess.run([evtest.program("evtape-record"), "-", "-o", tape, "-q"], stdin=sim.stdout, check=True)
        p = self.start("evtape", "recover", tape, "-o", self.path("x.tape"))
        self.wait_until("it to begin", lambda: any(n.startswith("x.tape.part") for n in os.listdir(self.dir)) or
                        p.popen.poll() is not None)
        p.signal(signal.SIGTERM)
        code = p.popen.wait(evtest.DEADLINE)
        self.assertIn(code, (0, 128 + signal.SIGTERM))
        if code != 0:
            self.nothing_left("x.tape")


class Mark(tooltest.Case):
    def test_list_and_remove(self):
        tape = self.states()
        for text, at in (("a", "+1s"), ("b", "+2s"), ("a", "+3s")):
            self.out("mark", tape, text, "--at", at)
        self.assertEqual([(n["text"], n["time_ns"]) for n in self.json_lines("mark", "-l", "--json", tape)],
                         [("a", T0 + S), ("b", T0 + 2 * S), ("a", T0 + 3 * S)])
        self.out("mark", "--remove", "a", tape)
        self.assertRegex(self.out("mark", "--list", tape).decode(), r"^ +101  2023-11-14T22:13:21.000Z  a\n +102 .* b\n$")
        self.assertEqual(len(evtest.frames(tape, "--from", "mark:a", "--kind", "received")), 99)
        self.out("mark", "--remove", "#102", tape)
        self.assertEqual([n["seq"] for n in self.json_lines("mark", "-l", "--json", tape)], [101])
        self.fails(1, "has no bookmark with the number 102", "mark", "--remove", "#102", tape)
        self.fails(1, "has no bookmark 'b'", "mark", "--remove", "b", tape)
        self.fails(2, "take no TEXT argument", "mark", "--list", tape, "x")
        self.fails(2, "no text given", "mark", tape)
        self.assertEqual(len(evtest.frames(tape, "--kind", "mark")), 5)

    def test_remove_while_recording(self):
        tape = self.path("live.tape")
        p = self.start("evtape-record", "-", "-o", tape, "--quiet", stdin=subprocess.PIPE)
        self.wait_until("the tape", lambda: evtest.run("evtape", "info", tape, check=None).returncode == 0)
        self.out("mark", tape, "x")

        def texts():
            return [n["text"] for n in self.json_lines("mark", "-l", "--json", tape)]
        self.wait_until("the bookmark", lambda: texts() == ["x"])
        self.out("mark", "--remove", "x", tape)
        self.wait_until("it to go", lambda: not texts())
        p.popen.stdin.close()
        p.finish()
