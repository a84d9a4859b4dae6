"""evtape-sim: data from files, frames to stdout, and its command line."""

import asyncio
import collections
import csv
import datetime
import gzip
import json
import os
import socket
import struct
import subprocess
import time
import unittest

import evtest
from simcase import STATES, SimCase, http, new

CSV_HEAD = "vehicle_id,timestamp,speed,route_id,trip_id,latitude,longitude,trip_headsign\n"


class Files(SimCase):
    async def test_trace(self):
        trace = self.write("trace.csv", CSV_HEAD +
                           '9,2017-03-21T00:00:04-05:00,0.0,1,2,30.5,-97.5,"a, ""b"""\n'
                           '9,2017-03-21T00:00:00-05:00,10,1,2,30.0,-97.5,x\r\n'
                           '\n'
                           '7,2017-03-21T00:00:02-05:00,17.43456,1,2,30.19826,-97.77679,y')
        url = self.sim("--trace", trace, "--speed", 10, "--once")
        async with self.connect(url) as ws:
            start = time.monotonic()
            answer = await self.subscribed(ws, new(dict(STATES, iso_datetime=True)))
            self.assertEqual(answer["data"]["state"]["value"], {"1": "normal", "2": "normal"})
            got, code = await self.drain(ws)
            took = time.monotonic() - start
        self.assertEqual(code, 1000)
        self.assertGreater(took, 0.35)
        states = [json.loads(g) for g in got]
        self.assertEqual([s["data"]["source_id"] for s in states], [9, 7, 9])
        self.assertEqual([s["user_time"] for s in states],
                         ["2017-03-21T00:00:0%d-05:00" % s for s in (0, 2, 4)])
        self.assertEqual([s["data"]["gps"]["updated"] for s in states], [s["user_time"] for s in states])
        self.assertEqual([s["data"]["gps"]["location"] for s in states],
                         [{"lat": 30.0, "lng": -97.5}, {"lat": 30.19826, "lng": -97.77679},
                          {"lat": 30.5, "lng": -97.5}])
        self.assertIn('"lat":30.19826,"lng":-97.77679', got[1])
        self.assertEqual([s["data"]["gps"]["speed"] for s in states], [36, 63, 0])
        self.assertEqual(states[2]["data"]["gps"]["heading"], 0)
        self.proc.finish()

    async def test_buses(self):
        """The real trace, whole: a state for each row, in the order of time."""
        path = evtest.data("austin-buses", "2017-03-21.csv")
        with open(path, newline="", encoding="utf-8") as f:
            rows = list(csv.DictReader(f))
        rows.sort(key=lambda r: datetime.datetime.fromisoformat(r["timestamp"]))
        url = self.sim("--trace", path, "--speed", "max", "--once", "--stats")
        raw = self.raw(url)
        raw.send(new(dict(STATES, iso_datetime=True)))
        got, end = await asyncio.to_thread(raw.all)
        self.proc.finish()
        self.assertEqual(end, "eof")
        self.assertEqual(len(got), len(rows) + 2)
        for row, (_, _, payload) in zip(rows, got[1:]):
            data = json.loads(payload)["data"]
            self.assertEqual((str(data["source_id"]), data["gps"]["updated"], data["gps"]["speed"]),
                             (row["vehicle_id"], row["timestamp"], int(float(row["speed"]) * 3.6 + 0.5)))
            self.assertEqual((data["gps"]["location"]["lat"], data["gps"]["location"]["lng"]),
                             (float(row["latitude"]), float(row["longitude"])))
        self.assertEqual(json.loads(self.proc.err.decode().splitlines()[-1])["states"], len(rows))

    def test_trace_errors(self):
        good = "9,2017-03-21T00:00:04-05:00,0.0,1,2,30.5,-97.5,x\n"
        for text, want in (
                ("", "is empty"), ("a,b\n", ":1: no column vehicle_id"), (CSV_HEAD, "holds no rows"),
                (CSV_HEAD + good + "9,now\n", ":3: no speed in this row"),
                (CSV_HEAD + good.replace("9,", "x,", 1), ":2: vehicle_id: "),
                (CSV_HEAD + good.replace("2017-03-21T", "yesterday"), ":2: timestamp: "),
                (CSV_HEAD + good.replace("2017", "1969"), ":2: timestamp: "),
                (CSV_HEAD + good.replace("0.0", "fast"), ":2: 'fast' is no speed"),
                (CSV_HEAD + good.replace("0.0", "-3"), ":2: '-3' is no speed"),
                (CSV_HEAD + good.replace("30.5", "91"), ":2: '91' is no latitude"),
                (CSV_HEAD + good.replace("-97.5", "180.01"), ":2: '180.01' is no longitude")):
            done = evtest.run("evtape-sim", "--trace", self.write("bad.csv", text), check=1)
            self.assertIn(want, done.stderr.decode())
            self.assertEqual(len(done.stderr.splitlines()), 1)
        self.assertIn("cannot open", evtest.run("evtape-sim", "--trace", self.path("none"), check=1).stderr.decode())

    async def test_lines(self):
        frames = [b'{"a":1}', b"", b"X", b'[1,2]', b"\xff\xfe no UTF-8", b"y" * 70000, b"last"]
        times = [0, 5, 5, 100, 90, 400, 500]
        base = 1700000000000000000
        path = self.write("feed", b"".join(b"%d %s\n" % (base + t * 1000000, f) for t, f in zip(times, frames)))
        for speed, least in (("1", 0.45), ("2", 0.2), ("0.5", 0.95), ("max", 0)):
            url = self.sim("--replay-lines", path, "--speed", speed, "--once", "--wait-clients", 2)
            start = time.monotonic()
            raws = [self.raw(url, "/stream?any=path"), self.raw(url, "/")]
            got = [(await asyncio.to_thread(r.all))[0] for r in raws]
            took = time.monotonic() - start
            for g in got:
                self.assertEqual(g, [(1, 1, f) for f in frames] + [(1, 8, struct.pack("!H", 1000))])
            self.assertGreaterEqual(took, least)
            self.proc.finish()

    async def test_exchange(self):
        """The real capture, whole, from a pipe: the same bytes."""
        with gzip.open(evtest.data("binance-ws", "binance_usdm_btcusdt_20240808.gz")) as f:
            raw_lines = f.read()
        want = [line.split(b" ", 1)[1] for line in evtest.lines(raw_lines)]
        read_end, write_end = os.pipe()
        url = self.sim("--replay-lines", "-", "--speed", "max", "--once", stdin=read_end)
        os.close(read_end)
        def feed():
            with os.fdopen(write_end, "wb") as f:
                f.write(raw_lines)
        writer = asyncio.create_task(asyncio.to_thread(feed))
        raw = self.raw(url, "/stream")
        got, end = await asyncio.to_thread(raw.all)
        await writer
        self.proc.finish()
        self.assertEqual(end, "eof")
        self.assertEqual([p for _, op, p in got if op == 1], want)

    async def test_pipe_that_waits(self):
        """A writer that pauses holds up nothing but the data."""
        read_end, write_end = os.pipe()
        url = self.sim("--replay-lines", "-", "--once", stdin=read_end)
        os.close(read_end)
        raw = self.raw(url)
        os.write(write_end, b"1000 one\n2000 tw")
        self.assertEqual(raw.frame(), (1, 1, b"one"))
        self.assertEqual(http(url, "/")[0], 200)
        os.write(write_end, b"o\n3000 three")
        self.assertEqual(raw.frame(), (1, 1, b"two"))
        os.close(write_end)
        self.assertEqual(raw.frame(), (1, 1, b"three"))
        self.assertEqual(raw.frame(), (1, 8, struct.pack("!H", 1000)))
        raw.close()
        self.proc.finish()

    async def test_bad_lines(self):
        for text, want in ((b"10 a\nnonsense\n", b":2: "), (b"10 a\n11b\n", b":2: "), (b"10 a\n\n", b":2: "),
                           (b"12", b":1: "), (b"99999999999999999999 a\n", b":1: ")):
            path = self.write("feed", text)
            url = self.sim("--replay-lines", path)
            raw = self.raw(url)
            got, _ = await asyncio.to_thread(raw.all)
            self.assertEqual(got[-1], (1, 8, struct.pack("!H", 1011)))
            raw.close()
            self.proc.finish(check=1)
            self.assertIn(path.encode() + want + b"not of the form '<ns> <frame>'", self.proc.err)
        self.assertIn(b"cannot open", evtest.run("evtape-sim", "--replay-lines", self.path("none"), check=1).stderr)

    async def test_wait_clients(self):
        url = self.sim("--frames", 100, "--rate", 1000, "--wait-clients", 3, "--once", "--trackers", 2)
        raws = [self.raw(url) for _ in range(3)]
        for r in raws:
            r.send(new(STATES))
            self.assertEqual(json.loads(r.frame()[2])["type"], "response")
        for r in raws:
            self.assertEqual(len((await asyncio.to_thread(r.all))[0]), 2 + 100 + 1)
        self.proc.finish()


class Generate(evtest.Case):
    def test_frames(self):
        out = evtest.run("evtape-sim", "--generate", 3000, "--sources", 20).stdout
        self.assertEqual(out, evtest.run("evtape-sim", "--generate", 3000, "--trackers", 20).stdout)
        self.assertNotEqual(out, evtest.run("evtape-sim", "--generate", 3000, "--trackers", 20, "--seed", 2).stdout)
        frames = [json.loads(line) for line in evtest.lines(out)]
        self.assertEqual(len(frames), 3000)
        count = collections.Counter(f["data"]["source_id"] for f in frames)
        self.assertEqual(count, {10000 + i: 150 for i in range(1, 21)})
        self.assertTrue(600 < len(out) / 3000 < 720, len(out) / 3000)
        self.assertEqual(frames[0]["user_time"], "2026-01-01 00:00:00")
        self.assertEqual(frames[-1]["user_time"], "2026-01-01 00:02:29")

    def test_movement(self):
        """Plausible: no jumps, the speed fits the way, parked ones stay."""
        out = evtest.run("evtape-sim", "--generate", 60000, "--sources", 20).stdout
        tracks = collections.defaultdict(list)
        for line in evtest.lines(out):
            data = json.loads(line)["data"]
            tracks[data["source_id"]].append(data)
        seen = collections.Counter()
        for track in tracks.values():
            for a, b in zip(track, track[1:]):
                north = (b["gps"]["location"]["lat"] - a["gps"]["location"]["lat"]) * 111320
                east = (b["gps"]["location"]["lng"] - a["gps"]["location"]["lng"]) * 111320 * 0.969
                way = (north ** 2 + east ** 2) ** 0.5
                self.assertAlmostEqual(way, a["gps"]["speed"] / 3.6, delta=0.3)
                self.assertTrue(0 <= b["gps"]["heading"] < 360 and 0 <= b["gps"]["speed"] <= 130)
                self.assertEqual(b["movement_status"] == "moving", b["gps"]["speed"] > 0)
                self.assertEqual(b["inputs"][0], b["movement_status"] != "parked")
                if b["gsm"]:
                    self.assertTrue(10 <= b["gsm"]["signal_level"] <= 100)
                seen[b["movement_status"]] += 1
        self.assertEqual(set(seen), {"moving", "stopped", "parked"})
        self.assertGreater(seen["moving"], 15000)

    def test_batch(self):
        out = evtest.run("evtape-sim", "--generate", 50, "--sources", 10, "--batch", 25).stdout
        frames = [json.loads(line) for line in evtest.lines(out)]
        self.assertEqual(len(frames), 50)
        for f in frames:
            self.assertEqual((f["event"], len(f["data"])), ("state_batch", 25))
            self.assertEqual({i["type"] for i in f["data"]}, {"source_state_event"})

    def test_pipe_closed(self):
        p = subprocess.Popen([evtest.program("evtape-sim"), "--generate", "10000000"], stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE)
        p.stdout.readline()
        p.stdout.close()
        self.assertEqual(p.stderr.read(), b"")
        self.assertEqual(p.wait(evtest.DEADLINE), 0)
        p.stderr.close()

    def test_stdout_full(self):
        with open("/dev/full", "wb") as full:
            done = subprocess.run([evtest.program("evtape-sim"), "--generate", "10000"], stdout=full,
                                  stderr=subprocess.PIPE, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"No space left", done.stderr)


class Usage(evtest.Case):
    def test_bad_options(self):
        for args, want in (
                (["--rate", "0"], "rate"), (["--rate", "fast"], "no rate"), (["--rate", "1.2.3"], "no rate"),
                (["--rate", "2000000"], "out of range"), (["--speed", "-1"], "no speed"),
                (["--speed", "0.0000001"], "no speed"), (["--rate", ""], "out of range"),
                (["--trackers", "0"], "--trackers"), (["--seed", "-1"], "--seed"),
                (["--epoch", "1969-12-31"], "before 1970-01-31"), (["--epoch", "never"], "--epoch"),
                (["--close-after", "0"], "--close-after"), (["--close-after", "5,99"], "close code"),
                (["--stall-after", "5"], "lacks the time"), (["--stall-after", "5,x"], "--stall-after"),
                (["--http-error", "42"], "HTTP status"), (["--http-error", "429,soon"], "Retry-After"),
                (["--close-after", "1" * 30], "no count"),
                (["--trace", "a", "--replay-lines", "b"], "exclude each other"),
                (["--trace", "a", "--rate", "5"], "--trace and --rate exclude each other"),
                (["--speed", "2"], "--speed needs --trace or --replay-lines"),
                (["--once"], "--once needs --trace, --replay-lines or --frames"), (["--tls-cert", "x"], "--tls-cert needs --tls-key"),
                (["--batch", "5"], "--batch needs --generate"), (["--huge", "3"], "--huge"),
                (["--generate", "5", "--trace", "a"], "--generate and --trace exclude each other"),
                (["--generate", "5", "--listen", "0"], "--generate and --listen exclude each other"),
                (["--replay-lines", "-", "--trackers", "5"], "--replay-lines and --trackers exclude each other"),
                (["--http-error-count", "5"], "--http-error-count needs --http-error"),
                (["--client-buffer", "3"], "--client-buffer"), (["stray"], "unexpected argument")):
            done = evtest.run("evtape-sim", *args, check=2)
            self.assertIn(want, done.stderr.decode(), args)
            self.assertEqual(done.stdout, b"")

    def test_failures(self):
        taken = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(taken.close)
        for args, want in (
                (["--listen", "nowhere"], "HOST:PORT"), (["--listen", "127.0.0.1:99999"], "port"),
                (["--listen", "300.0.0.1:0"], "--listen 300.0.0.1:0"),
                (["--listen", "127.0.0.1:%d" % taken.getsockname()[1]], "Address already in use"),
                (["--hash", self.path("none")], "cannot open"), (["--hash", self.write("h", "\n")], "holds no hash"),
                (["--blocked", "11"], "tracker id"), (["--disallowed", "x"], "tracker id"),
                (["--log-sent", "/nowhere/x"], "cannot open /nowhere/x"),
                (["--log-received", "/nowhere/x"], "cannot open /nowhere/x"),
                (["--ready-file", "/nowhere/x"], "there is no folder /nowhere"),
                (["--tls-cert", self.path("none"), "--tls-key", self.path("none")], "--tls-cert")):
            done = evtest.run("evtape-sim", *args, check=1)
            self.assertIn(want, done.stderr.decode(), args)

    def test_help(self):
        out = evtest.run("evtape-sim", "--help").stdout.decode()
        for option in ("--trackers", "--generate", "--replay-lines", "--http-error", "--log-sent"):
            self.assertIn(option, out)
        self.assertLessEqual(max(map(len, out.splitlines())), 100)
        man = evtest.run("evtape-sim", "--man").stdout.decode()
        self.assertIn(".Sh EXAMPLES", man)


if __name__ == "__main__":
    unittest.main()
