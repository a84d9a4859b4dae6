"""evtape.so: tapes as tables, in the sqlite3 shell and in Python."""

import json
import os
import sqlite3
import subprocess
import unittest

import evtest
import tooltest
from tooltest import S, T0

SANITIZED = any(s in os.path.basename(evtest.BUILD) for s in ("asan", "tsan"))


@unittest.skipIf(SANITIZED, "the extension is loaded by programs that have no sanitizer")
class Sql(tooltest.Case):
    def setUp(self):
        super().setUp()
        self.db = sqlite3.connect(":memory:")
        self.addCleanup(self.db.close)
        self.db.enable_load_extension(True)
        self.db.load_extension(evtest.program("evtape"))

    def rows(self, query, *args):
        return self.db.execute(query, args).fetchall()

    def test_the_same_as_cat(self):
        lines = ['%d/%d mark 3 1 {"mark":"connected"}' % (T0, T0 + 5), "%d received 2 1 hex:00ff" % (T0 + S),
                 "%d sent 1 1 X" % (T0 + S), '%d received 1 2 {"event":"state","data":{"source_id":"a","v":1}}' % (T0 + 2 * S),
                 "%d received 1 2 hex:ff" % (T0 + 3 * S), "%d received 1 2 hex:" % (T0 + 4 * S)]
        tape = self.make("s.tape", lines)
        self.assertEqual(self.rows("SELECT * FROM frames(?)", tape), [
            (1, "2023-11-14T22:13:20.000000000Z", T0, T0 + 5, 1, "mark", "connected", None, None, '{"mark":"connected"}',
             '{"mark":"connected"}'),
            (2, "2023-11-14T22:13:21.000000000Z", T0 + S, T0 + S, 1, "received", "binary", None, None, None, b"\0\xff"),
            (3, "2023-11-14T22:13:21.000000000Z", T0 + S, T0 + S, 1, "sent", "text", None, None, None, b"X"),
            (4, "2023-11-14T22:13:22.000000000Z", T0 + 2 * S, T0 + 2 * S, 2, "received", "text", "state", "a",
             '{"source_id":"a","v":1}', '{"event":"state","data":{"source_id":"a","v":1}}'),
            (5, "2023-11-14T22:13:23.000000000Z", T0 + 3 * S, T0 + 3 * S, 2, "received", "text", None, None, None, b"\xff"),
            (6, "2023-11-14T22:13:24.000000000Z", T0 + 4 * S, T0 + 4 * S, 2, "received", "text", None, None, None, b"")])

    def test_own_times_are_utc(self):
        """The feed's clock is an hour and a half behind UTC; its second state has no time."""
        tape = self.make("o.tape", [
            '%d received 1 1 {"event":"state","user_time":"2023-11-14 20:43:20","data":{"source_id":1,'
            '"last_update":"2023-11-14 20:40:00"}}' % T0,
            '%d received 1 1 {"event":"lifecycle","data":{"source_id":1}}' % (T0 + S)])
        self.assertEqual(self.rows("SELECT own_time, time_ns - ? FROM frames(?)", T0, tape),
                         [("2023-11-14T22:10:00.000000000Z", 0), (None, S)])

    def test_a_row_for_each_source_of_a_batch(self):
        tape = self.make("b.tape", [
            '%d received 1 1 {"event":"state_batch","data":[{"state":{"source_id":1,"v":10}},{"source_id":2,"v":20}]}' % T0,
            '%d received 1 1 {"event":"state","data":{"source_id":1,"v":11}}' % (T0 + S)])
        self.assertEqual(self.rows("SELECT seq, source_id, json_extract(record, '$.v') FROM frames(?)", tape),
                         [(1, 1, 10), (1, 2, 20), (2, 1, 11)])
        self.assertEqual(self.rows("SELECT seq FROM frames(?) WHERE source_id = 2", tape), [(1,)])
        self.assertEqual(self.rows("SELECT count(*), count(DISTINCT seq) FROM frames(?)", tape), [(3, 2)])

    def test_filters_agree_with_sqlite(self):
        """Each condition gives the same rows as on a plain copy of the table."""
        tape = self.make("f.tape", ['%d received 1 1 {"event":"%s","data":{"source_id":%s}}' % (
            T0 + i * S - (5 * S if i % 7 == 0 else 0), ("state", "lifecycle", "x")[i % 3], (5, '"5"', 6, '"a"')[i % 4])
            for i in range(200)], 2000)
        self.db.execute("CREATE TABLE copy AS SELECT * FROM frames(?)", (tape,))
        ns = "%d" % (T0 + 50 * S)
        for where in ("source_id = 5", "source_id = '5'", "source_id IN (5, 'a')", "source_id IN (NULL)", "source_id = NULL",
                      "event = 'state'", "event IN ('state', 'x') AND source_id = 6", "event IS NULL", "kind = 'mark'",
                      "kind IN ('received', 'sent')", "kind = 'nothing'", "seq = 7", "seq > 190", "seq BETWEEN 10 AND 12",
                      "seq <= 3", "seq < 2.5", "seq = '7'", "time_ns >= " + ns, "time_ns < " + ns, "time_ns = " + ns,
                      "time_ns > 1e18", "time_ns BETWEEN %s AND %s + 3000000000" % (ns, ns), "source_id = 5 OR seq = 3",
                      "time >= '2023-11-14T22:14:00.000000000Z' AND time < '2023-11-14T22:14:10.000000000Z'",
                      "time = '2023-11-14T22:14:10.000000000Z'", "seq = -1", "seq > 100000", "source_id LIKE 'a'"):
            with self.subTest(where):
                query = "SELECT seq, source_id FROM %s WHERE " + where
                self.assertEqual(self.rows(query % "frames('%s')" % tape), self.rows(query % "copy"))

    def test_times_in_all_forms(self):
        tape = self.states()
        self.out("mark", tape, "here", "--at", "+50s")
        count = "SELECT count(*) FROM frames(?) WHERE kind = 'received' AND time "
        self.assertEqual(self.rows(count + ">= '2023-11-14T22:13:30Z'", tape), [(90,)])
        self.assertEqual(self.rows(count + "<= '2023-11-14T23:13:30+01:00'", tape), [(11,)])
        self.assertEqual(self.rows(count + "< '+10s'", tape), [(10,)])
        self.assertEqual(self.rows(count + "> '-9s'", tape), [(9,)])
        self.assertEqual(self.rows(count + ">= 'mark:here'", tape), [(50,)])
        self.assertEqual(self.rows(count + "BETWEEN '22:14' AND '22:14:10'", tape), [(11,)])
        with self.assertRaisesRegex(sqlite3.OperationalError, "noon"):
            self.rows(count + "> 'noon'", tape)

    def test_only_needed_columns_are_read(self):
        tape = self.many_blocks()

        def blocks(where):
            return self.rows("SELECT max(blocks_read) FROM frames('%s') %s" % (tape, where))[0][0]
        everything = blocks("")
        self.assertGreater(everything, 8)
        self.assertEqual(blocks("WHERE time BETWEEN '+10s' AND '+12s'"), 1)
        self.assertEqual(blocks("WHERE seq = 399"), 1)
        self.assertIsNone(blocks("WHERE source_id = 99"))
        rare = self.make("rare.tape", ['%d received 1 1 {"event":"state","data":{"source_id":%d}}' % (
            T0 + i * S, 7 if i == 150 else 1) for i in range(400)], 1024)
        self.assertEqual(self.rows("SELECT seq, blocks_read FROM frames(?) WHERE source_id = 7", rare), [(151, 1)])

    def test_the_plan_can_be_read(self):
        plan = self.rows("EXPLAIN QUERY PLAN SELECT * FROM frames('t') WHERE source_id IN (1, 2) AND time >= '+1s' "
                         "AND event = 'state' AND payload LIKE '%x%'")
        for word in ("tape=", "source_id=", "time>=", "event="):
            self.assertIn(word, plan[0][3])
        self.assertNotIn("payload", plan[0][3])

    def test_joins(self):
        """Where two sources were at the same time."""
        tape = self.make("j.tape", ['%d received 1 1 {"event":"state","data":{"source_id":%d,"gps":{"speed":%d}}}' % (
            T0 + i // 2 * S, 1 + i % 2, i) for i in range(20)])
        got = self.rows("SELECT a.time_ns, json_extract(a.record, '$.gps.speed'), json_extract(b.record, '$.gps.speed') "
                        "FROM frames(?1) a JOIN frames(?1) b ON b.time_ns = a.time_ns AND b.source_id = 2 "
                        "WHERE a.source_id = 1", tape)
        self.assertEqual(got, [(T0 + i * S, 2 * i, 2 * i + 1) for i in range(10)])
        tapes = [(tape,), (self.states(),)]
        self.db.execute("CREATE TABLE t(path)")
        self.db.executemany("INSERT INTO t VALUES(?)", tapes)
        self.assertEqual(self.rows("SELECT count(*) FROM t, frames(t.path)"), [(120,)])

    def test_lists(self):
        tape = self.states(extra=['%d mark 5 1 {"mark":"gap","frames":3,"bytes":null,"reason":"it\'s gone","seconds":1.5,'
                                  '"from":"2023-11-14T22:13:20Z","to":null}' % (T0 + 100 * S)])
        self.assertEqual(self.rows("SELECT source_id, frames, first_ns, last_ns FROM sources(?) ORDER BY 1", tape)[0],
                         (10001, 25, T0, T0 + 96 * S))
        self.assertEqual(self.rows("SELECT * FROM gaps(?)", tape), [
            (101, "2023-11-14T22:15:00.000000000Z", T0 + 100 * S, 1, 3, None, "it's gone", 1.5, "2023-11-14T22:13:20Z",
             None)])
        self.assertEqual(self.rows("SELECT mark, json_extract(payload, '$.frames') FROM marks(?)", tape), [("gap", 3)])

    def test_errors(self):
        for query, words in (("SELECT * FROM frames('/nowhere')", "there is no tape at /nowhere"),
                             ("SELECT * FROM frames", "needs the path"), ("SELECT * FROM frames(NULL)", "needs the path"),
                             ("SELECT * FROM gaps", "needs the path"), ("SELECT * FROM gaps(NULL)", "needs the path"),
                             ("SELECT * FROM sources('/nowhere')", "there is no tape"),
                             ("CREATE VIRTUAL TABLE x USING frames", "no such module|virtual table")):
            with self.assertRaisesRegex(sqlite3.OperationalError, words):
                self.rows(query)
        tape = self.many_blocks()
        self.flip(self.segment(tape, 2), 700)
        with self.assertRaisesRegex(sqlite3.OperationalError, "000002.*checksum"):
            self.rows("SELECT count(*) FROM frames(?)", tape)

    def test_a_live_tape(self):
        tape = self.path("live.tape")
        p = self.start("evtape-record", "-", "-o", tape, "--quiet", stdin=subprocess.PIPE)
        p.popen.stdin.write(b'{"a":1}\n')
        p.popen.stdin.flush()
        self.wait_until("a frame", lambda: os.path.exists(tape + "/journal/lock") and
                        self.rows("SELECT count(*) FROM frames(?) WHERE kind = 'received'", tape) == [(1,)])
        p.popen.stdin.close()
        p.finish()

    def test_in_the_shell(self):
        out = subprocess.run(["sqlite3", ":memory:", ".load " + evtest.program("evtape"), ".mode json",
                              "SELECT count(*) AS n FROM frames('%s')" % self.states()], stdout=subprocess.PIPE, check=True)
        self.assertEqual(json.loads(out.stdout), [{"n": 100}])

    def test_nothing_else_is_exported(self):
        out = subprocess.run(["nm", "-D", "--defined-only", evtest.program("evtape.so")], stdout=subprocess.PIPE, check=True)
        self.assertEqual(out.stdout.split()[2:], [b"sqlite3_evtape_init"])
