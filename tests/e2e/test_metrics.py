"""evtape-record --metrics: the figures of a recording for Prometheus, and which
requests get them."""

import os
import re
import resource
import signal
import socket
import subprocess

from prometheus_client.parser import text_string_to_metric_families

import evtest
import feed

LINE = b'{"type":"event","event":"state","data":{"source_id":%d}}\n'


class Metrics(feed.FeedCase):
    def serve(self, *args, stdin=subprocess.DEVNULL):
        """A recorder; its process and the address that it listens on."""
        ready = self.path("metrics")
        p = self.start("evtape-record", *args, "-o", self.tape, "--metrics", "127.0.0.1:0", "--ready-file", ready,
                       stdin=stdin)
        self.wait_until("the URL", lambda: os.path.exists(ready))
        with open(ready, encoding="ascii") as f:
            self.url = f.read().strip()
        host, port = re.fullmatch(r"http://([\d.]+):(\d+)/metrics", self.url).groups()
        self.address = (host, int(port))
        return p

    def ask(self, request, finish=True):
        """What is answered to these bytes."""
        with socket.create_connection(self.address, evtest.DEADLINE) as s:
            answer = b""
            try:
                s.sendall(request)
                if finish:
                    s.shutdown(socket.SHUT_WR)
                while piece := s.recv(65536):
                    answer += piece
            except OSError as e:  # it hung up before all was said
                self.assertNotIsInstance(e, TimeoutError)
        return answer

    def get(self, path="/metrics", method="GET", host="localhost", more=""):
        """Status, head and body."""
        answer = self.ask(("%s %s HTTP/1.1\r\nHost: %s\r\n%s\r\n" % (method, path, host, more)).encode(), finish=False)
        head, _, body = answer.partition(b"\r\n\r\n")
        return int(head.split()[1]) if head else 0, head.decode().lower(), body.decode()

    def figures(self):
        """The samples by name, as Prometheus' own parser reads them."""
        status, head, body = self.get()
        self.assertEqual(status, 200)
        self.assertIn("content-type: text/plain; version=0.0.4", head)
        found = {}
        for family in text_string_to_metric_families(body):
            self.assertTrue(family.documentation, family.name)
            self.assertNotEqual(family.type, "unknown", family.name)
            for sample in family.samples:
                key = sample.name + "".join("{%s}" % v for v in sample.labels.values())
                self.assertNotIn(key, found)
                found[key] = sample.value
        return {k.replace("evtape_record_", ""): v for k, v in found.items()}

    def wait_figure(self, name, condition):
        def look():
            all_ = self.figures()
            return all_ if condition(all_[name]) else None
        return self.wait_until("%s" % name, look)

    def test_a_feed(self):
        sim, url = self.simulate("--rate", 50)
        p = self.serve(url, "--credential-file", self.secret, "--sync", "100ms", "--events", "state", "--trackers", "1,2,3,4,5")
        self.wait_figure("frames_total", lambda v: v > 5)
        f = self.wait_figure("sync_seconds_count", lambda v: v > 0)
        self.assertEqual(f["connected"], 1)
        self.assertEqual(f["connections_total"], 1)
        self.assertEqual(f["sent_frames_total"], 1)
        self.assertEqual(f["gaps_total"], 0)
        self.assertEqual(f["tape_failing"], 0)
        self.assertEqual(f["queue_limit_bytes"], 64 << 20)
        self.assertEqual(f["segment"], 1)
        self.assertGreater(f["sources"], 0)
        self.assertGreater(f["bytes_total"], 0)
        self.assertGreater(f["stored_bytes"], 0)
        self.assertLess(f["last_event_age_seconds"], evtest.DEADLINE)
        self.assertLess(f["network_still_seconds"], evtest.DEADLINE)
        self.assertGreater(f["sync_seconds_sum"], 0)
        self.assertEqual(f["sync_seconds_bucket{+Inf}"], f["sync_seconds_count"])
        disk = os.statvfs(self.tape)
        self.assertEqual(f["disk_size_bytes"], disk.f_blocks * disk.f_frsize)
        self.assertGreater(f["disk_free_bytes"], 0)
        self.assertGreater(f["process_start_time_seconds"], 1.5e9)
        self.assertRegex(" ".join(f), r"build_info\{\d+\.\d+\.\d+\}")
        sim.finish(evtest.SIGKILL, check=None)
        f = self.wait_figure("connected", lambda v: v == 0)
        self.assertGreater(f["frames_total"], 5)
        p.finish(evtest.SIGINT, check=3)
        # The last figures equal the frames on the tape, or are a little smaller.
        self.assertGreaterEqual(evtest.info(self.tape)["frames"], f["frames_total"])

    def test_the_document_names_them(self):
        """docs/operations.md lists each metric, and no other; its rules use existing
        metrics."""
        p = self.serve("-", stdin=subprocess.PIPE)
        there = set(re.findall(r"^# TYPE (?:evtape_record_)?(\w+)", self.get()[2], re.M))
        p.popen.stdin.close()
        p.finish()
        with open(os.path.join(evtest.TOP, "docs", "operations.md"), encoding="utf-8") as f:
            text = f.read()
        table = text[text.index("| metric ("):text.index("```yaml")]
        told = {name for row in table.split("\n")[2:] for name in re.findall(r"`(\w+)(?:\{version\})?`", row.split("|")[1] if "|" in row else "")}
        self.assertEqual(told, there)
        self.assertLessEqual(set(re.findall(r"evtape_record_(\w+)", text[text.index("```yaml"):])), there)

    def test_connections_and_gaps(self):
        _, url = self.simulate("--rate", 200, "--drop-after", 5)
        p = self.serve(url, "--credential-file", self.secret, "--events", "state", "--trackers", "1,2,3,4,5")
        f = self.wait_figure("connections_total", lambda v: v >= 2)
        self.assertGreaterEqual(f["gaps_total"], 1)
        p.finish(evtest.SIGINT, check=3)

    def test_lines(self):
        p = self.serve("-", "--max-message", "100", stdin=subprocess.PIPE)
        p.popen.stdin.write(LINE % 1 + LINE % 2 + b"x" * 200 + b"\n")
        p.popen.stdin.flush()
        f = self.wait_figure("frames_total", lambda v: v == 2)
        self.assertEqual(f["connected"], 1)
        self.assertEqual(f["sources"], 2)
        self.assertEqual(f["queue_limit_bytes"], 0)
        self.assertEqual((f["gaps_total"], f["lost_frames_total"], f["lost_bytes_total"]), (1, 1, 200))
        p.popen.stdin.close()
        p.finish(check=3)

    def test_a_tape_that_cannot_be_written_to(self):
        p = self.serve("-", stdin=subprocess.PIPE)
        infinity = resource.RLIM_INFINITY
        resource.prlimit(p.pid, resource.RLIMIT_FSIZE, (2000, infinity))
        p.popen.stdin.write(LINE % 1 * 200)
        p.popen.stdin.flush()
        self.wait_figure("tape_failing", lambda v: v == 1)
        resource.prlimit(p.pid, resource.RLIMIT_FSIZE, (infinity, infinity))
        f = self.wait_figure("tape_failing", lambda v: v == 0)
        f = self.wait_figure("frames_total", lambda v: v == 200)
        self.assertEqual(f["gaps_total"], 0)
        p.popen.stdin.close()
        p.finish()

    def test_held_frames(self):
        p = self.serve("-", "--keep-last", "1h", "--keep-after", "1h", "--min-free", "1MiB", stdin=subprocess.PIPE)
        p.popen.stdin.write(LINE % 1 * 5)
        p.popen.stdin.flush()
        f = self.wait_figure("held_frames", lambda v: v == 5)
        self.assertEqual((f["armed"], f["triggers_total"], f["frames_total"]), (1, 0, 0))
        self.assertGreater(f["held_bytes"], 5 * len(LINE))
        # The space for closing the tape is reserved, whatever --min-free is.
        self.assertEqual((f["disk_min_free_bytes"], f["disk_end_bytes"], f["dropped_segments_total"]), (2 << 20, 2 << 20, 0))
        p.signal(signal.SIGUSR1)
        f = self.wait_figure("frames_total", lambda v: v == 5)
        self.assertEqual((f["armed"], f["triggers_total"], f["held_frames"], f["let_go_frames_total"]), (0, 1, 0, 0))
        p.popen.stdin.close()
        p.finish()

    def test_access(self):
        p = self.serve("-", stdin=subprocess.PIPE)
        for want, args in (
                (200, {}),
                (200, {"path": "/"}),
                (200, {"method": "HEAD"}),
                (200, {"path": "/metrics?x=1"}),
                (200, {"host": "127.0.0.1:%d" % self.address[1]}),
                (200, {"host": "[::1]:1"}),
                (200, {"more": "Origin: http://localhost:3000\r\n"}),
                (404, {"path": "/metrics/"}),
                (404, {"path": "/api/tape"}),
                (405, {"method": "POST"}),
                (405, {"method": "DELETE"}),
                (403, {"host": "evil.example"}),
                (403, {"host": "127.0.0.1.evil.example"}),
                (403, {"host": "x" * 1000}),
                (403, {"more": "Origin: https://evil.example\r\n"}),
                (403, {"more": "Sec-Fetch-Site: cross-site\r\n"}),
                (403, {"more": "Host: evil.example\r\n"}),
                (400, {"path": "/%zz"}), (400, {"path": "/metrics%00"}), (400, {"path": "http://localhost/metrics"}),
                (400, {"more": "X : y\r\n"}), (400, {"more": " folded\r\n"}), (431, {"more": "X: %s\r\n" % ("y" * 20000)}),
                (200, {"path": "/%6detrics?x=y"}),
                (200, {"more": "Upgrade: h2c\r\nConnection: Upgrade\r\n"}),
                (403, {"path": "/", "host": "evil.example"})):
            with self.subTest(args):
                status, head, body = self.get(**args)
                self.assertEqual(status, want)
                self.assertIn("connection: close", head)
                self.assertEqual(body == "", args.get("method") == "HEAD")
        status, _, body = self.get("/")
        self.assertEqual(body.count("\n"), 1)
        self.assertIn("/metrics", body)
        self.assertEqual(self.ask(b"GET /metrics HTTP/1.1\r\n\r\n", finish=False)[:12], b"HTTP/1.1 403")
        p.popen.stdin.close()
        p.finish()

    def test_invalid_requests(self):
        """After any invalid request it answers the next one, and the recording
        continues."""
        p = self.serve("-", stdin=subprocess.PIPE)
        upgrade = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: %s\r\n%s\r\n"
        for request in (b"", b"\r\n\r\n", b"\0" * 100, b"CONNECT x:1 HTTP/1.1\r\n\r\n", b"GET", b"\x16\x03\x01\x02\0\x01\0",
                        b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * 5000 + b"\r\n",
                        upgrade % (b"h2c", b"HTTP2-Settings: AAMAAABkAAQAAP__\r\n"),
                        upgrade % (b"websocket", b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n")):
            with self.subTest(request[:60]):
                self.assertNotIn(b"101 ", self.ask(request)[:20])
        # More connections than allowed, all of them silent.
        silent = []
        for _ in range(100):
            silent.append(socket.create_connection(self.address, evtest.DEADLINE))
        for s in silent:
            s.close()
        p.popen.stdin.write(LINE % 1)
        p.popen.stdin.flush()
        self.wait_until("an answer", lambda: self.get()[0] == 200)
        self.wait_figure("frames_total", lambda v: v == 1)
        p.popen.stdin.close()
        p.finish()

    def test_silent_connections(self):
        """They make room for a scraper."""
        p = self.serve("-", stdin=subprocess.PIPE)
        idle = [socket.create_connection(self.address) for _ in range(200)]
        for _ in range(5):
            self.assertEqual(self.get()[0], 200)
        for s in idle:
            s.close()
        p.popen.stdin.close()
        p.finish()

    def test_a_port_that_is_taken(self):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            s.listen()
            done = evtest.run("evtape-record", "-", "-o", self.tape, "--metrics", s.getsockname()[1], check=1)
        self.assertRegex(done.stderr, rb"^evtape-record: --metrics: cannot listen on 127.0.0.1 port \d+: Address already in use\n$")
        self.assertFalse(os.path.exists(self.tape))

    def test_addresses(self):
        for address in ("x", "127.0.0.1", "127.0.0.1:99999", ""):
            done = evtest.run("evtape-record", "-", "-o", self.tape, "--metrics", address, check=2)
            self.assertIn(b"bad address", done.stderr)
        done = evtest.run("evtape-record", "-", "-o", self.tape, "--ready-file", self.path("r"), check=2)
        self.assertIn(b"--ready-file needs --metrics", done.stderr)
        p = self.start("evtape-record", "-", "-o", self.tape, "--metrics", "[::1]:0")
        p.wait_for(rb"metrics at http://\[::1\]:\d+/metrics\n")
        p.finish()


if __name__ == "__main__":
    evtest.unittest.main()
