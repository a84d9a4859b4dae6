"""Real recordings: a day of buses and an exchange's feed, in full."""

import gzip
import json
import os
import re
import subprocess
import time

import evtest
import feed

FRAMES = 93953  # of the exchange capture


def exchange():
    """(ns, payload) of each frame of the capture; one line of it is the
    answer to a REST call and no frame."""
    with gzip.open(evtest.data("binance-ws", "binance_usdm_btcusdt_20240808.gz"), "rb") as f:
        for line in f:
            ns, payload = line.rstrip(b"\n").split(b" ", 1)
            if not payload.startswith(b'{"lastUpdateId"'):
                yield int(ns), payload


class Real(evtest.Case):
    def simulate(self, *options, stdin=None):
        ready = self.path("ready")
        sim = self.start("evtape-sim", "--ready-file", ready, *options,
                         stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL)
        if stdin is not None:
            sim.popen.stdin.write(stdin)
            sim.popen.stdin.close()
        self.wait_until("the simulator's URL", lambda: os.path.exists(ready))
        with open(ready, encoding="ascii") as f:
            return sim, f.read().strip()

    def replayed(self, tape, *options):
        return evtest.run("evtape-replay", tape, "--quiet", *options).stdout

    def test_exchange_recorded_and_replayed_in_full(self):
        frames = list(exchange())
        self.assertEqual(len(frames), FRAMES)
        capture = self.write("capture", b"".join(b"%d %s\n" % f for f in frames))
        sim, url = self.simulate("--replay-lines", capture, "--speed", "max", "--once")
        tape = self.path("x.tape")
        # The server may end before the recorder counts the last frame, which is then a
        # lost connection: exit 3.
        done = evtest.run("evtape-record", url, "-o", tape, "--profile", "raw", "--source-path",
                          "/stream", "--frames", FRAMES, "--quiet", check=None)
        self.assertIn(done.returncode, (0, 3), done.stderr)
        sim.finish()
        want = b"".join(payload + b"\n" for _, payload in frames)
        self.assertEqual(self.replayed(tape, "--speed", "max"), want)
        segments = sorted(os.path.join(tape, n) for n in os.listdir(tape) if n.endswith(".zst"))
        plain = subprocess.run(["zstdcat", *segments], stdout=subprocess.PIPE, check=True).stdout
        self.assertEqual(plain, want)
        names = {s["source_id"]: s["frames"] for s in evtest.info(tape)["sources"]}
        count = {}
        for _, payload in frames:
            stream = json.loads(payload).get("stream")
            count[stream] = count.get(stream, 0) + 1
        self.assertEqual(names, {k: v for k, v in count.items() if k is not None})

    def test_exchange_keeps_its_timing(self):
        """Inter-arrival times are kept at 1x and divided at 10x: no frame
        leaves before its time, and the last one when it should."""
        frames = list(exchange())
        tape = self.path("t.tape")
        lines = b"".join(b"%d received 1 1 %s\n" % f for f in frames)
        subprocess.run([evtest.program("tests/mktape"), tape], input=lines, check=True)
        stamped = evtest.lines(self.replayed(tape, "--speed", "max", "--output", "envelope"))
        self.assertEqual([json.loads(line)["time_ns"] for line in stamped], [f[0] for f in frames])
        for speed, seconds in ((1, 2), (10, 20)):
            window = [f for f in frames if f[0] < frames[0][0] + seconds * 10**9]
            start = time.monotonic()
            p = self.start("evtape-replay", tape, "--speed", speed, "--to", "+%ds" % seconds, "--json")
            p.finish()
            took = time.monotonic() - start
            self.assertEqual(p.out, b"".join(f[1] + b"\n" for f in window))
            report = json.loads(re.search(rb"\{.*\}", p.err).group())
            self.assertEqual(report["frames"], len(window))
            self.assertEqual(report["lateness_ns"]["count"], len(window))
            due = (window[-1][0] - window[0][0]) / speed
            self.assertGreaterEqual(report["wall_ns"], due * 0.999)
            self.assertGreaterEqual(took * 1e9, due * 0.999)

    def test_buses(self):
        log = self.path("log")
        sim, url = self.simulate("--trace", evtest.data("austin-buses", "2017-03-21.csv"),
                                 "--speed", "max", "--once", "--log-sent", log)
        tape = self.path("b.tape")
        recorder = self.start("evtape-record", url + "/event/subscription", "-o", tape, "--events", "state",
                              "--trackers", ",".join(map(str, range(1, 330))), "--json",
                              env=dict(os.environ, EVTAPE_CREDENTIAL="0123456789abcdef0123456789abcdef"))
        sim.finish(timeout=120)
        recorder.finish(evtest.SIGTERM, check=None)
        got = self.replayed(tape, "--speed", "max", "--event", "state")
        want = [p for p in [m[2] for m in feed.messages(log) if m[0] == 1] if b'"event":"state"' in p]
        self.assertGreaterEqual(len(want), 45386)
        self.assertEqual(got, b"".join(p + b"\n" for p in want))
        sources = evtest.info(tape)["sources"]
        self.assertEqual(len(sources), 329)


if __name__ == "__main__":
    evtest.unittest.main()
