"""evtape-record --check: its report of each possible fault, and that it changes
nothing."""

import json
import os
import re
import socket
import subprocess

import evtest
import feed

load_tests = evtest.side_by_side


class Check(feed.FeedCase):
    def check(self, *args, code=0, env=None):
        """The findings: (check, result, text), also in the form for people."""
        clean = {k: v for k, v in os.environ.items() if k != "EVTAPE_CREDENTIAL" and not k.lower().endswith("_proxy")}
        clean.update(env or {})
        before = self.files()
        done = evtest.run("evtape-record", *args, "--check", "--json", check=code, env=clean)
        self.assertEqual(self.files(), before)
        self.assertNotIn(feed.HASH.encode(), done.stdout + done.stderr)
        lines = [json.loads(line) for line in evtest.lines(done.stdout)]
        final = lines.pop()
        self.assertEqual(final, {"final": True, "ok": code == 0,
                                 "warnings": sum(r["result"] == "warning" for r in lines),
                                 "failures": sum(r["result"] == "failed" for r in lines)})
        self.assertEqual(final["failures"] > 0, code == 1)
        return {r["check"]: (r["result"], r["text"]) for r in lines}

    def files(self):
        """Everything below the test's folder, with sizes and times of change, except
        the simulator's files."""
        found = {}
        for at, _, names in os.walk(self.dir):
            for path in [at, *(os.path.join(at, n) for n in names)]:
                if path not in (self.sent, self.received):
                    st = os.lstat(path)
                    found[path] = (st.st_size, st.st_mtime_ns)
        return found

    def feed(self, url, *args, **more):
        return self.check(url, "-o", self.tape, "--credential-file", self.secret, *args, **more)

    def says(self, found, what, result, pattern):
        self.assertIn(what, found)
        self.assertEqual(found[what][0], result, found[what])
        self.assertRegex(found[what][1], pattern)

    def test_all_is_well(self):
        _, url = self.simulate()
        found = self.feed(url, "--metrics", "0")
        found.pop("disk")  # which may be full here
        self.assertEqual({v[0] for v in found.values()}, {"ok"}, found)
        self.says(found, "tape", "ok", r"does not exist and can be made")
        self.says(found, "connection", "ok", r"^to 127\.0\.0\.1:\d+$")
        self.says(found, "subscription", "ok", r"^is accepted$")
        self.says(found, "metrics", "ok", r"can be served at http://127\.0\.0\.1:\d+/metrics")
        self.says(found, "plan", "ok", r"would record ws://.*state_batch of all trackers\) into .*t\.tape, until a signal arrives")
        # As people see it.
        done = evtest.run("evtape-record", url, "-o", self.tape, "--credential-file", self.secret, "--check")
        for line in evtest.lines(done.stdout):
            self.assertRegex(line, rb"^(ok|warning|FAILED) +\w[\w ]+  +\S")
        done = evtest.run("evtape-record", url, "-o", self.tape, "--credential-file", self.secret, "--check", "-q")
        self.assertNotIn(b"ok ", done.stdout)

    def test_credentials(self):
        url = "ws://127.0.0.1:1/"
        for content, mode, result, pattern in (
                ("", 0o600, "failed", r"contains no credential"),
                ("short\n", 0o600, "failed", r"has 5 bytes: it must have 8 to 4096"),
                (feed.HASH, 0o644, "warning", r"every user of this machine may read .*: chmod 600 it"),
                (feed.HASH, 0o602, "warning", r"every user of this machine may change"),
                (feed.HASH + "00", 0o600, "warning", r"does not have the length of the platform's session hashes \(32\)"),
                (feed.HASH, 0o640, "ok", r"which only its user or group may read")):
            with self.subTest(pattern):
                self.write("hash", content)
                os.chmod(self.secret, mode)
                found = self.feed(url, code=1)
                self.says(found, "credential", result, pattern)
                # Checks that depend on a failed one are not tried.
                self.assertEqual("connection" in found, result != "failed")
        os.unlink(self.secret)
        self.says(self.feed(url, code=1), "credential", "failed", "No such file")
        found = self.check(url, "-o", self.tape, code=1)
        self.says(found, "credential", "ok", "no credential is given")
        self.says(found, "options", "failed", "needs a session hash, and there is no credential: give --credential-file FILE")
        found = self.check(url, "-o", self.tape, code=1, env={"EVTAPE_CREDENTIAL": feed.HASH})
        self.says(found, "credential", "ok", "is in the environment")

    def test_tapes(self):
        found = self.check("-", "-o", self.tape)
        self.assertEqual(sorted(found), ["credential", "disk", "options", "plan", "tape"])
        self.says(found, "plan", "ok", "would record the lines of stdin into .*, until the input ends")
        self.says(self.check("-", "-o", self.path("no/such/t.tape"), code=1), "tape", "failed",
                  r"cannot make .* in .*: No such file or directory; make that folder")
        self.says(self.check("-", "-o", self.secret, code=1), "tape", "failed", "is not a tape: a tape is a folder")
        self.says(self.check("-", "-o", self.dir, code=1), "tape", "failed", "holds other things than a tape")
        os.mkdir(self.path("empty"))
        self.says(self.check("-", "-o", self.path("empty")), "tape", "ok", "is empty and becomes a tape")
        p = self.start("evtape-record", "-", "-o", self.tape, stdin=subprocess.PIPE)
        p.popen.stdin.write(b'{"event":"x"}\n')
        p.popen.stdin.flush()
        self.wait_frames(1, kind="received")
        self.says(self.check("-", "-o", self.tape, code=1), "tape", "failed", "another program records into")
        p.popen.stdin.close()
        p.finish()
        self.says(self.check("-", "-o", self.tape), "tape", "ok", "exists and is appended to")
        self.says(self.check("-", "-o", self.tape + "/"), "tape", "ok", "exists and is appended to")

    def test_a_tape_that_was_killed(self):
        p = self.start("evtape-record", "-", "-o", self.tape, stdin=subprocess.PIPE)
        p.popen.stdin.write(b'{"event":"x"}\n')
        p.popen.stdin.flush()
        self.wait_frames(1, kind="received")
        p.signal(evtest.SIGKILL)
        p.finish(check=None)
        p.popen.stdin.close()
        self.says(self.check("-", "-o", self.tape), "tape", "warning", r"was not closed .*nothing needs to be done")

    def test_room(self):
        """It says that a start would be refused where it would be."""
        st = os.statvfs(self.dir)
        free = st.f_bavail * st.f_frsize
        self.says(self.check("-", "-o", self.tape, "--min-free", "1MiB"), "disk", "ok", r"free; the recording warns below 2\.0 MiB")
        self.says(self.check("-", "-o", self.tape, "--min-free", "0"), "disk", "ok", r"is not watched \(--min-free 0\)")
        low, much = ["--min-free", free * 2], ["--min-free", free * 8]
        for args in (low, much):
            refused = args is much
            found = self.check("-", "-o", self.tape, *args, code=int(refused))
            self.says(found, "disk", "failed" if refused else "warning", r"^only .* free on the disk of .*t\.tape")
            done = evtest.run("evtape-record", "-", "-o", self.tape, *args, stdin=b"{}\n", check=int(refused))
            self.assertIn(re.sub(r"^only \S+ \S+|\d.*", "", found["disk"][1]).split("than")[0].encode(), done.stderr)
        # A ring that is there makes room; a new one cannot.
        self.says(self.check("-", "-o", self.tape, *much, "--ring", "1GiB"), "disk", "warning", "the recording drops the oldest segments at once")
        self.says(self.check("-", "-o", self.path("new.tape"), *much, "--ring", "1GiB", code=1), "disk", "failed", "free some space")

    def test_held_for_a_trigger(self):
        options = ["-", "-o", self.tape, "--keep-last", "1m", "--keep-after", "5s"]
        self.says(self.check(*options), "plan", "ok",
                  "would record the frames around a trigger, 1m00s before it and 5s after, of the lines of stdin into")
        p = self.start("evtape-record", *options, "--json", stdin=subprocess.PIPE)
        p.popen.stdin.write(b'{"event":"x"}\n')
        p.popen.stdin.flush()
        p.wait_for(rb'"held_frames":1,', "out")
        p.signal(evtest.SIGKILL)
        p.finish(check=None)
        p.popen.stdin.close()
        self.says(self.check(*options), "tape", "warning", r"was not closed .*nothing needs to be done")

    def test_answers_of_the_server(self):
        sim, url = self.simulate("--wrong-hash")
        found = self.feed(url, code=1)
        self.says(found, "websocket", "ok", "101")
        self.says(found, "subscription", "failed", "hash")
        sim.finish(evtest.SIGINT)
        sim, url = self.simulate("--disallowed", "2")
        found = self.feed(url, "--events", "state", "--trackers", "1,2")
        self.says(found, "subscription", "warning", r"^1 of the trackers asked for are unknown or not allowed")
        sim.finish(evtest.SIGINT)
        for status, pattern in ((403, "is the credential right"), (404, "is the path of the URL right"), (503, "unavailable")):
            sim, url = self.simulate("--http-error", status)
            found = self.feed(url, code=1)
            self.says(found, "websocket", "failed", "HTTP %d.*%s" % (status, pattern))
            self.assertNotIn("subscription", found)
            sim.finish(evtest.SIGINT)

    def test_a_server_that_does_not_answer(self):
        """It says nothing to a subscription: bounded in time."""
        lines = self.write("lines", "")
        _, url = self.simulate("--replay-lines", lines, "--wait-clients", 2)
        self.says(self.feed(url, code=1), "subscription", "failed", r"did not answer within 10 s")
        # Another feed is not asked for anything.
        found = self.check(url, "-o", self.tape, "--profile", "raw")
        self.says(found, "websocket", "ok", "101")
        self.assertNotIn("subscription", found)

    def test_no_server_is_there(self):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))  # no process listens
            found = self.feed("ws://127.0.0.1:%d/" % s.getsockname()[1], code=1)
        self.says(found, "connection", "failed", r"no connection to 127\.0\.0\.1 port \d+: refused or unreachable; is the port right")
        found = self.feed("ws://nowhere.invalid/", code=1)
        self.says(found, "name", "failed", r"nowhere\.invalid.*is the name right")
        self.assertNotIn("connection", found)

    def test_tls(self):
        self.certificates(right="DNS:localhost", wrong="DNS:other.example")
        ca = self.path("ca.pem")

        def serve(name):
            sim, url = self.simulate("--tls-cert", self.path(name + ".pem"), "--tls-key", self.path(name + ".key"))
            return sim, re.sub(r"127\.0\.0\.1", "localhost", url)
        sim, url = serve("right")
        found = self.feed(url, "--ca", ca)
        self.says(found, "tls", "ok", r"^TLSv1\.\d \S+, the certificate is valid for localhost$")
        self.says(self.feed(url, code=1), "tls", "failed", r": trust the CA that signed it, or turn the check of certificates off \(--ca FILE, --insecure\)$")
        self.says(self.feed(url, "--insecure"), "tls", "warning", "--insecure accepts any certificate")
        sim.finish(evtest.SIGINT)
        sim, url = serve("wrong")
        self.says(self.feed(url, "--ca", ca, code=1), "tls", "failed", "localhost")
        self.says(self.feed(url, "--ca", self.path("none.pem"), code=1), "connection", "failed", "none.pem")

    def test_lists_and_ports(self):
        lists = self.path("list.json")
        _, url = self.simulate()
        self.says(self.feed(url, "--tracker-list", lists), "tracker list", "warning", "cannot read")
        self.write("list.json", "[]")
        self.says(self.feed(url, "--tracker-list", lists), "tracker list", "ok", "is in")
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            s.listen()
            found = self.check("-", "-o", self.tape, "--metrics", str(s.getsockname()[1]), code=1)
        self.says(found, "metrics", "failed", "Address already in use")

    def test_usage_is_usage(self):
        done = evtest.run("evtape-record", "-", "--check", check=2)
        self.assertIn(b"no tape is given", done.stderr)


if __name__ == "__main__":
    evtest.unittest.main()
