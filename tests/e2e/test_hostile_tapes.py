"""A tape from a stranger can do nothing but be read: every command and the replayer,
on tapes with right checksums under which everything else is wrong, need little time
and memory, end by themselves, and write nowhere else."""

import concurrent.futures
import contextlib
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import urllib.error
import urllib.request

import evtest

sys.path.insert(0, os.path.join(evtest.TOP, "tests"))

import hostilelib as h  # noqa: E402
from hostilelib import T0, block, frame, journal, put, segment  # noqa: E402

MIN, MAX = -(1 << 63), (1 << 63) - 1
SECONDS, MIB = 20, 256
# Memory that sanitizers add does not count.
SANITIZED = os.path.basename(evtest.BUILD) in ("asan", "tsan", "ubsan", "cov")

# {} is a copy of the tape, OUT a new name; OK another tape.
COMMANDS = [
    "evtape info {}", "evtape info --json {}", "evtape ls {}", "evtape ls --json {}", "evtape cat {}",
    "evtape cat --format envelope --marks --sent {}", "evtape cat --from +10s --to -1s {}", "evtape cat --source 1 {}",
    "evtape stats {}", "evtape stats --json --bucket 1h {}", "evtape stats --plot OUT {}",
    "evtape cut {} --from +1s --state -o OUT", "evtape merge {} OK -o OUT", "evtape merge --dedup OK {} -o OUT",
    "evtape split --every 1h {} -o OUT", "evtape split --size 1KiB {} -o OUT", "evtape split --by-source {} -o OUT",
    "evtape diff {} OK", "evtape diff OK {}", "evtape diff {} {}", "evtape scrub {} -o OUT",
    "evtape export csv {}", "evtape export geojson {}", "evtape export gpx {}", "evtape export kml {}",
    "evtape export envelopes {}", "evtape export lines {}", "evtape export mcap {} -o OUT", "evtape export sqlite {} -o OUT",
    "evtape mark {} here", "evtape mark --list {}", "evtape verify {}", "evtape verify --json {}",
    "evtape recover {} -o OUT", "evtape reindex {}", "evtape compact {}", "evtape gc --keep-age 1h {}",
    "evtape gc --keep-size 1KiB {}", "evtape-replay --speed max {}", "evtape-replay --speed max --rebase --max-gap 1s {}",
    "evtape-replay --speed max --from +1s -o envelope --marks {}", "evtape-record -q -o {} -",
]
# Each that changes a tape, and some that read in different ways.
FEWER = ["evtape mark {} here", "evtape reindex {}", "evtape compact {}", "evtape gc --keep-size 1KiB {}",
         "evtape-record -q -o {} -", "evtape recover {} -o OUT", "evtape verify {}", "evtape cat {}", "evtape info {}",
         "evtape ls {}", "evtape cat --source 1 {}", "evtape-replay --speed max {}"]
# The requests to the server of a replayer.
PATHS = ["/api/tape", "/api/timeline", "/api/sources", "/api/frames?limit=1000", "/api/deck", "/api/marks",
         "/api/sources/1/track", "/metrics"]


class Tapes(evtest.Case):
    def setUp(self):
        super().setUp()
        segment(self.path("ok.tape"), [block([frame(i) for i in range(5)])])
        self.n = 0

    def tape(self, name):
        path = self.path(name + ".tape")
        os.makedirs(path)
        return path

    def one(self, command, tape, number):
        """Run it on a copy; returns what went wrong, or None."""
        where = self.path("run%d" % number)
        os.makedirs(where)
        copy = os.path.join(where, "t.tape")
        subprocess.run(["cp", "-a", "--sparse=auto", tape, copy], check=True)
        argv = [copy if a == "{}" else os.path.join(where, "new") if a == "OUT" else self.path("ok.tape") if a == "OK" else a
                for a in command.split()]
        argv[:1] = ["prlimit", "--cpu=%d" % (SECONDS * (10 if SANITIZED else 2)), evtest.program(argv[0])]
        env = dict(os.environ, TMPDIR=where, UBSAN_OPTIONS="halt_on_error=1:print_stacktrace=1")
        put(where, "in", b'{"a":1}\n')
        with open(os.path.join(where, "in"), "rb") as given, open(os.path.join(where, "out"), "wb") as out, open(
                os.path.join(where, "err"), "wb") as err:
            child = subprocess.Popen(argv, cwd=where, stdin=given, stdout=out, stderr=err, env=env)
            _, status, used = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
        with open(os.path.join(where, "err"), "rb") as f:
            said = f.read(1 << 20).decode("utf-8", "replace")
        shutil.rmtree(where)
        wrong = []
        if child.returncode not in (0, 1, 2, 3) or re.search("runtime error|Sanitizer", said):
            wrong.append("ended with %d" % child.returncode)
        if child.returncode in (1, 2) and not said:
            wrong.append("failed without a word")
        if not SANITIZED and used.ru_maxrss > MIB << 10:
            wrong.append("needs %d MiB" % (used.ru_maxrss >> 10))
        if not SANITIZED and used.ru_utime + used.ru_stime > SECONDS:
            wrong.append("needs %.1f s" % (used.ru_utime + used.ru_stime))
        return "%s: %s: %s\n%s" % (os.path.basename(tape), command, ", ".join(wrong), said[-1500:]) if wrong else None

    def serve(self, tape):
        """A replayer that serves the tape answers, and ends when it is asked to."""
        server = evtest.Proc([evtest.program("evtape-replay"), tape, "--listen", "0", "--speed", "max", "--no-follow"])
        self.addCleanup(server.kill)
        try:
            url = server.wait_for(rb"http://[0-9.:]+").group().decode()
        except AssertionError:
            self.assertIn(server.finish(check=None), (1, 2, 3))
            return
        for path in PATHS:
            try:
                with urllib.request.urlopen(url + path, timeout=evtest.DEADLINE) as answer:
                    body = answer.read()
            except urllib.error.HTTPError as e:
                self.assertIn(e.code, (400, 404, 409), (tape, path, e.read()))
                continue
            except OSError as e:
                raise AssertionError("%s: %s: %s\n%s" % (tape, path, e, server.err.decode("utf-8", "replace"))) from None
            if path != "/metrics":
                json.loads(body)
        with open("/proc/%d/status" % server.pid, encoding="ascii") as f:
            peak = int(re.search(r"VmHWM:\s*(\d+)", f.read()).group(1)) >> 10
        if not SANITIZED:
            self.assertLess(peak, MIB, tape)
        self.assertIn(server.finish(sig=2, check=None), (0, 3), server.err)

    def all_of(self, *tapes, commands=COMMANDS):
        jobs = [(c, t) for t in tapes for c in commands]
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            wrong = [w for w in pool.map(lambda job: self.one(job[1][0], job[1][1], job[0]), enumerate(jobs)) if w]
        self.assertEqual(wrong, [], "\n".join(wrong))
        for tape in tapes if commands is COMMANDS else ():
            with self.subTest(os.path.basename(tape)):
                self.serve(tape)


class Times(Tapes):
    """Times at the ends of their range; run it with `make asan SUITES=test_hostile_tapes`
    to see overflows."""

    def test_times(self):
        tapes = []
        for name, times in (("ends", (MIN, MAX, 0, -1)), ("late", (MAX, MAX, MAX - 1)), ("early", (MIN, MIN, MIN + 1)),
                            ("back", (MAX, T0, MIN)), ("middle", (T0, MIN, T0 + 1, MAX))):
            tapes.append(self.tape(name))
            own = [frame(time=t, payload=h.STATE % s, sources=[b"%d" % s]) for t in times for s in (1, 2)]
            segment(tapes[-1], [block(own), block(own, number=1, seq=1 + len(own))])
        tapes.append(self.tape("steady"))
        segment(tapes[-1], [block([frame(i, mono=m) for i, m in enumerate((MIN, MAX, 0, MAX, MIN))])])
        tapes.append(self.tape("headers"))
        segment(tapes[-1], [block([frame(i) for i in range(3)], least=MIN, greatest=MAX)])
        tapes.append(self.tape("journal"))
        segment(tapes[-1], [block([frame(i) for i in range(3)])], sealed=False)
        put(tapes[-1], "journal/%020d.evj" % 4, journal([frame(time=t) for t in (MIN, MAX, 0)], 4))
        self.all_of(*tapes)

    def test_marks(self):
        """Marks have times in their payloads, too."""
        tape = self.tape("marks")
        times = ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "-9223372036854775808", "1e400", "")
        frames = [frame(time=t, kind=2, op=op, conn=0, event=None, sources=(), payload=json.dumps(
            {"mark": name, "from": a, "to": b, "before": a, "frames": -1, "seconds": 1e300, "step_ns": MIN,
             "let_go": MAX, "removes": MAX, "text": "here"}).encode())
            for t in (MIN, MAX) for a in times for b in times[:2]
            for op, name in ((5, "gap"), (6, "clock"), (7, "note"), (8, "state"), (10, "trigger"))]
        segment(tape, [block(frames + [frame(0)])])
        self.all_of(tape)


class Blocks(Tapes):
    """Blocks, directories and journals that claim more than there is."""

    def blocks(self, **made):
        """Every command on a tape for each block, sealed and not, before a good one."""
        tapes = []
        for name, bad in made.items():
            for sealed in (True, False):
                tapes.append(self.tape(name + ("" if sealed else "-open")))
                good = block([frame(9)], number=1, seq=1 << 32)
                segment(tapes[-1], [bad, good], sealed=sealed)
                put(tapes[-1], "journal/%020d.evj" % ((1 << 32) + 1), journal([frame(10)], (1 << 32) + 1))
        self.all_of(*tapes[::2])
        self.all_of(*tapes[1::2], commands=FEWER)

    def test_counts(self):
        """What a block says of how many things it holds."""
        few = [frame(0), frame(1)]
        many = (0, 300 << 20)
        self.blocks(
            repeated=block([frame()], meta={9: [h.varint(many[1])], 10: [many]}),
            repeated_twice=block(few, meta={9: [h.varint(2), h.varint(1)], 10: [b"\0\0\0"]}),
            sources=block(few, meta={2: [h.varint(1 << 28), (1, 300 << 20)]}),
            sources_empty=block(few, meta={2: [h.varint(5 << 20), (0, 10 << 20)], 9: [h.varint(5 << 20) + b"\0"], 10: [(0, 5 << 20)]}),
            sources_named=block(few, meta={2: [h.varint(1), (1, 15 << 20)]}),
            lines_believed=block(few, meta={11: [h.varint(8 << 20), h.varint((8 << 20) - 2)]}, lines=[(32, 16 << 20)]),
            sources_each=block(few, meta={2: [h.varint(150 << 20), many], 9: [b"\0\0"], 10: [many]}),
            events=block(few, meta={1: [h.varint(1 << 31), many]}),
            conns=block(few, meta={3: [h.varint(1 << 31), many]}),
            side=block(few, meta={12: [(0, 300 << 20)]}),
            unknown=block(few, meta={13: [many]}), later=block(few, meta={200: [(0, 300 << 20)]}),
            huge_counts=block(few, meta={i: [h.varint(h.M64)] for i in (1, 2, 3, 9, 11)}),
            frames=block(few, frames=1 << 20),
            no_frames=block(few, frames=0),
            all_frames=block(few, frames=(1 << 32) - 1),
            payloads=block(few, meta={11: [h.varint(150 << 20), h.varint((150 << 20) - 2)]}, lines=[(32, 300 << 20)]),
            lines=block(few, lines=[(32, 300 << 20)]),
            payload_sum=block(few, payload=h.M64))

    def test_keys(self):
        """Names that stand twice, are long, or are no names."""
        few = [frame(0), frame(1)]
        twice = h.varint(2) + b"\1\1" + b"1" + b"\1\1" + b"1"
        self.blocks(
            sources=block(few, meta={2: [twice], 9: [b"\2\2"], 10: [b"\0\1\1\0"]}),
            events=block(few, meta={1: [h.varint(2) + b"\5state\5state"], 8: [b"\1\2"]}),
            integers=block(few, meta={2: [h.varint(4) + b"\1\0" + b"\1\3abc" + b"\1\x15" + b"9" * 21 + b"\1\2-0"],
                                      9: [b"\4\0"], 10: [b"\0\1\2\3"]}),
            bytes=block([frame(i, sources=[bytes(range(1, 256))], event=bytes(range(255))) for i in range(2)]))

    def test_zstd(self):
        """zstd frames that say another size than they have, or never end."""
        few = [frame(0), frame(1)]
        meta, lines = h.sections(few)
        raw = b"".join(bytes([i]) + h.varint(h.size_of(meta[i])) + b"".join(meta[i]) for i in meta)
        big = 320 << 20
        self.blocks(
            meta=block(few, meta_raw=big, meta_stored=h.zstd([raw], big)),
            lines=block(few, lines_raw=big, lines_stored=h.zstd(lines, big)),
            both=block(few, meta_raw=big, meta_stored=h.zstd([raw, (0, big - len(raw))]), lines_raw=big,
                       lines_stored=h.zstd([(10, big)])),
            window=block(few, lines_stored=b"\x28\xb5\x2f\xfd\x80\xff" + h.zstd(lines)[5:]),
            more=block(few, lines_stored=h.zstd(lines) + h.zstd([(32, big)])),
            nothing=block(few, lines_stored=h.zstd([]), meta_stored=h.zstd([])))

    def test_numbers(self):
        """Sequence numbers at the end of their range."""
        tapes = []
        for i, (seq, n) in enumerate(((h.M64, 1), (h.M64 - 1, 5), (0, 2), (MAX, 2), (1 << 63, 2))):
            tapes.append(self.tape("numbers%d" % i))
            segment(tapes[-1], [block([frame(k) for k in range(n)], seq=seq)])
            tapes.append(self.tape("numbers%d-journal" % i))
            segment(tapes[-1], [block([frame()])], sealed=False)
            put(tapes[-1], "journal/%020d.evj" % seq, journal([frame(k) for k in range(n)], seq))
            tapes.append(self.tape("numbers%d-ring" % i))
            segment(tapes[-1], [block([frame()])])
            put(tapes[-1], "journal/ring/%020d.evj" % seq, journal([frame(k) for k in range(n)], seq))
            state = h.struct.pack("<8sQQQ", b"\x89EVTRNG\n", seq, seq, h.M64)
            put(tapes[-1], "journal/ring/state", state + h.struct.pack("<Q", h.xxh64(state)))
        tapes.append(self.tape("last-segment"))
        for no in (1, 999999, 4294967295):
            put(tapes[-1], "%06d.ndjson.zst" % no, block([frame()], segment=no, seq=no))
        self.all_of(*tapes)

    def test_directories(self):
        good = [block([frame(i) for i in range(3)]), block([frame(3)], number=1, seq=4)]
        true = h.entries(good)
        kinds = {
            "n": {"n": 1 << 31},
            "none": {"rows": []},
            "many": {"rows": [true[0]] * 100000},
            "overlap": {"rows": [(0, 1, 1 << 31, 1 << 31, MIN, MAX), (0, 1 << 40, 1, 200, MIN, MAX)]},
            "beyond": {"rows": [(1 << 60, 1, 3, 200, T0, T0), (MAX, 9, 9, 200, T0, T0)]},
            "frames": {"frames": h.M64},
            "seq": {"seq": h.M64, "rows": [(0, h.M64, (1 << 32) - 1, true[0][3], MIN, MAX)]},
            "stored": {"rows": [(0, 1, 3, (1 << 32) - 1, T0, T0)]},
            "times": {"least": MAX, "greatest": MIN},
        }
        tapes = []
        for name, claims in kinds.items():
            tapes.append(self.tape(name))
            segment(tapes[-1], good, **claims)
        self.all_of(*tapes)

    def test_journals(self):
        huge = frame(1, payload=b"[1]")
        huge["n_sources"] = (1 << 32) - 1
        kinds = {
            "sources": journal([frame(), huge]),
            "source_twice": journal([frame(sources=[b"1"] * 50000)] * 3),
            "length": journal([frame()]) + h.struct.pack("<IQ", 536870912, 0),
            "other_first": journal([frame()], 2, first=MAX),
            "no_line": journal([frame(payload=b"{\n}"), frame(payload=b"\xff"), frame(payload=b"[" * 100000)], 2),
            "kinds": journal([frame(kind=k, op=o) for k in (0, 1, 2, 3, 255) for o in (0, 15, 31, 255)], 2),
        }
        tapes = []
        for name, content in kinds.items():
            tapes.append(self.tape(name))
            segment(tapes[-1], [block([frame()])])
            put(tapes[-1], "journal/%020d.evj" % 2, content)
            put(tapes[-1], "journal/ring/%020d.evj" % 1, content)
        self.all_of(*tapes)


class Files(Tapes):
    """What stands in the place of the files of a tape."""

    def others(self, name):
        """Tapes in which something else is at the place of a file, or of a folder."""
        tapes = []
        for kind in ("link", "link-to-folder", "link-to-device", "loop", "pipe", "folder", "hard-link", "zero"):
            tapes.append(self.tape("%s-%s" % (name.replace("/", "-"), kind)))
            tape = tapes[-1]
            segment(tape, [block([frame(i) for i in range(3)])])
            put(tape, "journal/%020d.evj" % 4, journal([frame(4)], 4))
            put(tape, "journal/ring/%020d.evj" % 1, journal([frame(5)], 1))
            path = os.path.join(tape, name)
            if os.path.isdir(path):
                shutil.rmtree(path)
            elif os.path.exists(path):
                os.remove(path)
            if kind == "pipe":
                os.mkfifo(path)
            elif kind == "folder":
                os.makedirs(os.path.join(path, "in it"))
            elif kind == "hard-link":
                os.link(put(tape, "another", b"another file"), path)
            elif kind == "zero":
                put(tape, name, b"")
            else:
                os.symlink({"link": self.victim, "link-to-folder": os.path.dirname(self.victim),
                            "link-to-device": "/dev/zero", "loop": os.path.basename(name)}[kind], path)
        return tapes

    def test_no_files(self):
        """No command reads, changes, or waits for what is no file of the tape."""
        self.victim = put(self.path("elsewhere"), "precious", b"not to be touched\n")
        put(self.path("elsewhere"), "%020d.evj" % 4, journal([frame(payload=b'{"secret":1}')], 4))
        was = self.content(self.path("elsewhere"))
        for name in ("000001.ndjson.zst", "000002.ndjson.zst", "tape.db", "tape.db-wal", "tape.db-shm", "tape.db-journal",
                     "journal", "journal/lock", "journal/spare", "journal/ring", "journal/%020d.evj" % 4,
                     "journal/%020d.evj" % 5, "journal/ring/state", "journal/ring/state.tmp",
                     "journal/ring/%020d.evj" % 1, "journal/000001-0.torn"):
            with self.subTest(name):
                self.all_of(*self.others(name), commands=FEWER)
                self.assertEqual(self.content(self.path("elsewhere")), was)

    @staticmethod
    def content(folder):
        out = {}
        for name in sorted(os.listdir(folder)):
            path = os.path.join(folder, name)
            with open(path, "rb") as f:
                out[name] = (f.read(), os.stat(path).st_mtime_ns, os.stat(path).st_mode, os.stat(path).st_nlink)
        return out

    def test_index(self):
        """A tape.db that is SQLite's, and not ours."""
        tapes = []
        slow = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i, i, i, i, i, i FROM n"
        for kind in ("view", "trigger", "generated", "check", "virtual", "default", "index", "more", "uuid"):
            tapes.append(self.tape("index-" + kind))
            segment(tapes[-1], [block([frame(i) for i in range(3)])])
            evtest.run("evtape", "reindex", tapes[-1])
            with contextlib.closing(sqlite3.connect(os.path.join(tapes[-1], "tape.db"))) as db:
                names = [n for (n,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
                         if not n.startswith("sqlite_")]
                sql = dict(db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'"))
                for name in names:
                    if kind == "view":
                        db.execute("DROP TABLE %s" % name)
                        db.execute("CREATE VIEW %s AS %s" % (name, slow))
                    elif kind == "trigger":
                        db.execute("CREATE TRIGGER t_%s AFTER INSERT ON %s BEGIN DELETE FROM %s; END" % (name, name, name))
                    elif kind == "virtual":
                        db.execute("DROP TABLE %s" % name)
                        db.execute("CREATE VIRTUAL TABLE %s USING fts5(a)" % name)
                    elif kind == "index":
                        column = db.execute("SELECT name FROM pragma_table_info('%s')" % name).fetchone()[0]
                        db.execute("CREATE INDEX i_%s ON %s(length(%s))" % (name, name, column))
                    elif kind == "more":
                        db.execute("CREATE TABLE more_%s(a DEFAULT (randomblob(1000000000)))" % name)
                    elif kind in ("generated", "check", "default"):
                        extra = {"generated": ", zz AS (zeroblob(1000000000))", "check": ", CHECK (randomblob(1000000000) != 1)",
                                 "default": ", zz DEFAULT (randomblob(1000000000))"}[kind]
                        at = sql[name].rindex(")")
                        db.execute("DROP TABLE %s" % name)
                        with contextlib.suppress(sqlite3.Error):
                            db.execute(sql[name][:at] + extra + sql[name][at:])
                if kind == "uuid":
                    db.execute("UPDATE meta SET value = zeroblob(100000000)")
                db.commit()
        tapes.append(self.tape("index-text"))
        segment(tapes[-1], [block([frame()])])
        put(tapes[-1], "tape.db", b"SQLite format 3\0" + b"\xff" * 100000)
        self.all_of(*tapes, commands=FEWER)

    def test_large_index(self):
        """A tape.db with our schema, with rows that would cost much memory."""
        large = {"meta": "UPDATE meta SET value = zeroblob(150000000)",
                 "mark": "INSERT INTO mark SELECT 9, 1, 0, 8, 1, zeroblob(150000000)",
                 "source": "UPDATE source SET source_id = CAST(zeroblob(150000000) AS TEXT) WHERE id = 1"}
        for kind, statement in large.items():
            tape = self.tape("large-" + kind)
            segment(tape, [block([frame(i, sources=[b"1"]) for i in range(3)])])
            evtest.run("evtape", "reindex", tape)
            # In a process of its own, since a command's peak begins with that of the process that starts it.
            subprocess.run([sys.executable, "-c", "import sqlite3, sys; d = sqlite3.connect(sys.argv[1]); "
                            "d.execute(sys.argv[2]); d.commit()", os.path.join(tape, "tape.db"), statement], check=True)
            self.all_of(tape, commands=["evtape info {}", "evtape ls {}", "evtape cat --source 1 {}", "evtape reindex {}"])
            said = evtest.run("evtape", "verify", tape, check=3)
            self.assertRegex(said.stdout + said.stderr, rb"tape\.db: .*'evtape reindex' rebuilds")
            self.assertEqual(len(evtest.frames(tape)), 3)
            evtest.run("evtape", "reindex", tape)
            evtest.run("evtape", "verify", "-q", tape)

    def test_sparse(self):
        """Files that say that they are large, and hold nothing."""
        tib = 1 << 40
        good = block([frame(i) for i in range(3)])
        tapes = []

        def sparse(name, file, data=b"", tail=b""):
            tapes.append(self.tape(name))
            segment(tapes[-1], [good])
            path = put(tapes[-1], file, data, tib)
            with open(path, "ab") as f:
                f.write(tail)

        sparse("segment", "000002.ndjson.zst")
        sparse("first", "000001.ndjson.zst", good)
        sparse("tail", "000001.ndjson.zst", good, h.directory(h.entries([good])))
        sparse("claim", "000002.ndjson.zst", b"", h.struct.pack("<QI4s", 0, 1 << 31, b"EVTE"))
        bad = bytearray(block([frame(5)], segment=2, seq=9))
        h.struct.pack_into("<I", bad, 8 + 108, 300 << 20)
        h.struct.pack_into("<Q", bad, 8 + 128, h.xxh64(bytes(bad[8:8 + 128])))
        h.struct.pack_into("<I", bad, 4, 136 + (300 << 20))
        sparse("stored", "000002.ndjson.zst", bytes(bad))
        sparse("journal", "journal/%020d.evj" % 4, journal([frame(4)], 4))
        sparse("blank-journal", "journal/%020d.evj" % 4)
        sparse("long-record", "journal/%020d.evj" % 4, journal([frame(4)], 4) + h.struct.pack("<IQ", 536870912, 0))
        sparse("ring", "journal/ring/%020d.evj" % 1, journal([frame(4)], 1))
        sparse("spare", "journal/spare")
        sparse("state", "journal/ring/state")
        sparse("index", "tape.db")
        sparse("index-log", "tape.db-wal")
        sparse("bookmark", "journal/%016x.note" % T0)
        sparse("lock", "journal/lock")
        self.all_of(*tapes)


if __name__ == "__main__":
    evtest.unittest.main()
