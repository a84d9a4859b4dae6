"""The programs under a service manager: their messages to it, and the units."""

import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import threading
import time

import evtest
import feed

load_tests = evtest.side_by_side

UNITS = os.path.join(evtest.TOP, "tools", "systemd")
LINE = b'{"event":"state"}\n'


class Manager:
    """Acts as systemd: receives the messages to $NOTIFY_SOCKET."""

    def __init__(self, case, name):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        case.addCleanup(self.socket.close)
        self.socket.bind(name.replace("@", "\0", 1))
        self.socket.settimeout(evtest.DEADLINE)
        self.heard = []

    def wait(self, pattern):
        """Wait for a message that matches, from now on; it."""
        while True:
            text = self.socket.recv(65536).decode()
            self.heard.append((time.monotonic(), text))
            if re.search(pattern, text):
                return text


class Notify(feed.FeedCase):
    def manager(self, name=None):
        self.name = name or self.path("notify")
        return Manager(self, self.name)

    def env(self, **more):
        return dict(os.environ, NOTIFY_SOCKET=self.name, **more)

    def lines(self, env, *options):
        return self.start("evtape-record", "-", "-o", self.tape, *options, env=env, stdin=subprocess.PIPE)

    def test_from_ready_to_stopping(self):
        m = self.manager()
        _, url = self.simulate("--rate", 50)
        p = self.record(url, env=self.env(WATCHDOG_USEC="400000"))
        m.wait("^READY=1$")
        self.assertTrue(os.path.exists(os.path.join(self.tape, "journal", "lock")))
        m.wait(r"^STATUS=connected, \d+ frames, 0 gaps, 1 connection, last frame: ")
        for _ in range(3):
            m.wait("^WATCHDOG=1$")
        p.signal(evtest.SIGTERM)
        m.wait("^STOPPING=1$")
        p.finish()
        self.assertEqual(sum(t == "STOPPING=1" for _, t in m.heard), 1)
        self.assertEqual(m.heard[0][1], "READY=1")
        self.assertEqual(sum(t == "READY=1" for _, t in m.heard), 1)

    def test_an_abstract_socket_and_an_end_of_its_own(self):
        m = self.manager("@evtape-test-%d-%s" % (os.getpid(), os.path.basename(self.dir)))
        p = self.lines(self.env(), "--frames", "1")
        m.wait("^READY=1$")
        m.wait("^STATUS=reading, 0 frames, .*last frame: none yet$")
        p.popen.stdin.write(LINE)
        p.popen.stdin.flush()
        m.wait("^STOPPING=1$")
        p.popen.stdin.close()
        p.finish()
        # No watchdog was configured.
        self.assertNotIn("WATCHDOG=1", [t for _, t in m.heard])

    def test_a_feed_that_is_down_is_no_reason_to_fail(self):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))  # no process listens
            m = self.manager()
            p = self.record("ws://127.0.0.1:%d/" % s.getsockname()[1], env=self.env(WATCHDOG_USEC="300000"))
            m.wait("^READY=1$")
            m.wait("^STATUS=waiting, 0 frames")
            m.wait("^WATCHDOG=1$")
            m.wait("^WATCHDOG=1$")
            p.finish(evtest.SIGTERM, check=3)

    def test_held_frames_are_reported(self):
        m = self.manager()
        p = self.lines(self.env(), "--keep-last", "1h", "--keep-after", "1h")
        m.wait("^STATUS=reading, armed, 0 held, 0 frames, ")
        p.popen.stdin.write(LINE * 3)
        p.popen.stdin.flush()
        p.signal(signal.SIGUSR1)
        # At once, and not only when it is due again.
        m.wait(r"^STATUS=reading, TRIGGERED, \d held, ")
        p.popen.stdin.close()
        p.finish()

    def test_the_watchdog_is_fed_while_the_tape_cannot_be_written_to(self):
        """Frames in memory would be lost with the process."""
        m = self.manager()
        p = self.lines(self.env(WATCHDOG_USEC="2000000"))
        m.wait("^READY=1$")
        resource.prlimit(p.pid, resource.RLIMIT_FSIZE, (2000, resource.RLIM_INFINITY))
        p.popen.stdin.write(LINE * 500)
        p.popen.stdin.flush()
        m.wait("^STATUS=reading, TAPE FAILING, ")
        for _ in range(4):
            m.wait("^WATCHDOG=1$")
        resource.prlimit(p.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        m.wait(r"^STATUS=reading, \d+ frames")
        p.popen.stdin.close()
        p.finish()
        self.assertEqual(evtest.info(self.tape)["frames"], 500 + 2)

    def test_a_stopped_process_feeds_no_watchdog(self):
        m = self.manager()
        p = self.lines(self.env(WATCHDOG_USEC="200000"))
        m.wait("^WATCHDOG=1$")
        p.signal(19)  # SIGSTOP
        self.wait_until("it stands still", lambda: self.state(p) == "T")
        m.socket.setblocking(False)
        while True:
            try:
                m.socket.recv(65536)
            except BlockingIOError:
                break
        m.socket.settimeout(1)
        with self.assertRaises(TimeoutError):
            m.socket.recv(65536)
        m.socket.settimeout(evtest.DEADLINE)
        p.signal(18)  # SIGCONT
        m.wait("^WATCHDOG=1$")
        p.popen.stdin.close()
        p.finish()

    def test_a_thread_that_hangs_feeds_no_watchdog(self):
        """The network thread blocks on a log that is not read; once the log is read, it
        continues."""
        m = self.manager()
        _, url = self.simulate("--rate", 50)
        log, theirs = os.pipe()
        self.addCleanup(os.close, log)
        os.set_blocking(theirs, False)
        try:
            while True:
                os.write(theirs, b"x" * 4096)
        except BlockingIOError:
            os.set_blocking(theirs, True)
        with subprocess.Popen([evtest.program("evtape-record"), url, "-o", self.tape, "--credential-file", self.secret],
                              env=self.env(WATCHDOG_USEC="200000"), stdin=subprocess.DEVNULL, stderr=theirs) as p:
            self.addCleanup(p.kill)
            os.close(theirs)
            m.wait("^READY=1$")
            m.wait("^WATCHDOG=1$")
            m.socket.settimeout(2)
            with self.assertRaises(TimeoutError):
                m.wait("^it goes silent$")
            m.socket.settimeout(evtest.DEADLINE)
            threading.Thread(target=lambda: all(iter(lambda: os.read(log, 65536), b"")), daemon=True).start()
            m.wait("^WATCHDOG=1$")
            p.send_signal(evtest.SIGTERM)
            m.wait("^STOPPING=1$")
            # The server may have given the connection up while the thread hung.
            self.assertIn(p.wait(evtest.DEADLINE), (0, 3))

    @staticmethod
    def state(p):
        with open("/proc/%d/stat" % p.pid, encoding="ascii") as f:
            return f.read().rsplit(")", 1)[1].split()[0]

    def test_a_watchdog_of_another_process(self):
        m = self.manager()
        p = self.lines(self.env(WATCHDOG_USEC="100000", WATCHDOG_PID="1"), "--frames", "1")
        m.wait("^STATUS=")
        p.popen.stdin.write(LINE)
        p.popen.stdin.close()
        m.wait("^STOPPING=1$")
        p.finish()
        self.assertNotIn("WATCHDOG=1", [t for _, t in m.heard])

    def test_an_environment_that_is_wrong(self):
        """The recorder reports it, and loses nothing."""
        for name in ("relative", "/" + "x" * 200, "@"):
            env = dict(os.environ, NOTIFY_SOCKET=name)
            done = evtest.run("evtape-record", "-", "-o", self.tape, stdin=LINE, env=env)
            self.assertIn(b"warning: cannot notify the service manager: NOTIFY_SOCKET", done.stderr)
        env = dict(os.environ, NOTIFY_SOCKET=self.path("nobody"), WATCHDOG_USEC="x")
        evtest.run("evtape-record", "-", "-o", self.tape, stdin=LINE, env=env)

    def test_the_replayer(self):
        evtest.run("evtape-record", "-", "-o", self.tape, "-q", stdin=LINE * 3)
        m = self.manager()
        p = self.start("evtape-replay", self.tape, "--listen", "127.0.0.1:0", env=self.env())
        m.wait("^READY=1\nSTATUS=listening on ws://127.0.0.1:\\d+/stream$")
        p.signal(evtest.SIGTERM)
        m.wait("^STOPPING=1$")
        p.finish()


class Units(evtest.Case):
    """The units as systemd reads them."""

    def setUp(self):
        super().setUp()
        if shutil.which("systemd-analyze") is None:
            self.skipTest("systemd-analyze is not installed")
        self.units = []
        for name in sorted(os.listdir(UNITS)):
            if name.endswith(".service"):
                with open(os.path.join(UNITS, name), encoding="utf-8") as f:
                    text = f.read()
                self.assertIn("/usr/local/bin/", text)
                text = text.replace("/usr/local/bin", evtest.BUILD)
                self.units.append(self.write(name.replace("@", "@field"), text))
        self.assertEqual(len(self.units), 2)

    def analyze(self, *args):
        return subprocess.run(["systemd-analyze", *args], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)

    def test_verify(self):
        for unit in self.units:
            done = self.analyze("verify", "--man=no", unit)
            self.assertEqual((done.returncode, done.stdout.decode()), (0, ""))

    def test_a_full_disk_does_not_end_the_service(self):
        """A recording that ends for want of room is begun again: its exit
        code is that of gaps, a success, which on-failure alone leaves."""
        with open(os.path.join(UNITS, "evtape-record@.service"), encoding="utf-8") as f:
            lines = f.read().splitlines()
        for want in ("Restart=on-failure", "SuccessExitStatus=3", "RestartForceExitStatus=3", "RestartPreventExitStatus=2"):
            self.assertIn(want, lines)

    def test_security(self):
        for unit in self.units:
            done = self.analyze("security", "--offline=true", "--threshold=20", unit)
            text = done.stdout.decode()
            self.assertEqual(done.returncode, 0, text)
            self.assertLessEqual(float(re.search(r"exposure level for .*: ([\d.]+)", text).group(1)), 2.0)

    def test_installed(self):
        """make install puts them there with the programs' own place in them."""
        subprocess.run(["make", "-s", "install-units", "DESTDIR=" + self.dir, "PREFIX=/opt/evtape"], cwd=evtest.TOP, check=True,
                       stdout=subprocess.DEVNULL)
        where = self.path("opt/evtape/lib/systemd/system")
        self.assertEqual(sorted(os.listdir(where)), ["evtape-record@.service", "evtape-replay@.service"])
        for name in os.listdir(where):
            with open(os.path.join(where, name), encoding="utf-8") as f:
                self.assertIn("ExecStart=/opt/evtape/bin/" + name.split("@")[0] + " ", f.read())


if __name__ == "__main__":
    evtest.unittest.main()
