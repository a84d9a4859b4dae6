"""Functions that the end-to-end tests share: running the built programs, waiting for
conditions (never for a time), and finding the real recordings."""

import concurrent.futures
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
BUILD = os.path.abspath(os.environ.get("BUILD", os.path.join(TOP, "build")))
DATA = os.environ.get("EVTAPE_DATA", os.path.join(os.path.dirname(TOP), "shared", "data"))
# Far beyond need: only a test that fails reaches it, also under a sanitizer or
# valgrind on a busy machine.
DEADLINE = float(os.environ.get("EVTAPE_TEST_DEADLINE", "120"))
# For clients of Python's websockets: its own limits (10 s to connect, 20 s for
# the answer to a ping) are bets on the machine's speed.
PATIENT = {"open_timeout": DEADLINE, "close_timeout": DEADLINE, "ping_interval": None}
# `make cov` counts the lines that the programs reach.
COUNTING = os.path.basename(BUILD) == "cov"
# A full run of the tests of faults, which report to this file; else CI's share.
TORTURE = os.environ.get("EVTAPE_TORTURE")
# A shell starts background jobs with SIGINT ignored, and programs inherit that. With a
# handler here they begin with the default.
signal.signal(signal.SIGINT, signal.default_int_handler)
NODE_ENV = dict(os.environ, NODE_PATH="/usr/share/nodejs")


def program(name):
    """The path of a built program."""
    return os.path.join(BUILD, name)


def data(*parts):
    """A file of the real recordings; skips the test where it is absent."""
    path = os.path.join(DATA, *parts)
    if not os.path.exists(path):
        raise unittest.SkipTest("no real recordings: %s is not there" % path)
    return path


def run(name, *args, stdin=None, check=0, env=None, timeout=None):
    """Run a built program to its end; the exit code must be `check` (None:
    any). stdin: bytes. Returns the CompletedProcess with bytes."""
    done = subprocess.run([program(name), *map(str, args)], input=stdin if stdin is not None else b"",
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env,
                          timeout=timeout or DEADLINE * 3, check=False)
    if check is not None and done.returncode != check:
        raise AssertionError("%s %s: exit %d, not %d\n%s" % (
            name, " ".join(map(str, args)), done.returncode, check,
            done.stderr.decode("utf-8", "replace")[-4000:]))
    return done


def torture(fault, tried, frames, lost):
    """Report one kind of fault to the reliability report, in a reader's words: how
    often it was tried, how many frames the promise covered over all tries, how many
    of these were lost, altered or duplicated. Only in the full run."""
    if TORTURE:
        with open(TORTURE, "a", encoding="utf-8") as f:
            json.dump({"fault": fault, "tried": tried, "frames": frames, "lost": lost}, f)
            f.write("\n")


class Proc:
    """A program in the background; its output is collected by threads."""

    def __init__(self, argv, env=None, stdin=subprocess.DEVNULL):
        self.argv = list(map(str, argv))
        self.out = b""
        self.err = b""
        self.changed = threading.Condition()
        self.popen = subprocess.Popen(self.argv, stdin=stdin, stdout=subprocess.PIPE,
                                      stderr=subprocess.PIPE, env=env)
        self.pid = self.popen.pid
        self.threads = [threading.Thread(target=self._collect, args=a, daemon=True)
                        for a in ((self.popen.stdout, "out"), (self.popen.stderr, "err"))]
        for t in self.threads:
            t.start()

    def _collect(self, pipe, name):
        while True:
            piece = os.read(pipe.fileno(), 65536)
            with self.changed:
                setattr(self, name, getattr(self, name) + piece)
                self.changed.notify_all()
            if not piece:
                return

    def wait_for(self, pattern, where="err", timeout=None):
        """Wait until the output matches the regex (bytes); returns the match."""
        end = time.monotonic() + (timeout or DEADLINE)
        with self.changed:
            while True:
                m = re.search(pattern, getattr(self, where))
                if m:
                    return m
                left = end - time.monotonic()
                if left <= 0 or (self.popen.poll() is not None and
                                 not any(t.is_alive() for t in self.threads)):
                    m = re.search(pattern, getattr(self, where))
                    if m:
                        return m
                    raise AssertionError("%s: never saw %r in %s\nout: %r\nerr: %s" % (
                        " ".join(self.argv), pattern, where, self.out[-1000:],
                        self.err.decode("utf-8", "replace")[-4000:]))
                self.changed.wait(min(left, 0.2))

    def signal(self, sig):
        self.popen.send_signal(sig)

    def finish(self, sig=None, check=0, timeout=None):
        """Send a signal (if given), wait for the end, check the exit code."""
        if sig is not None and self.popen.poll() is None:
            self.popen.send_signal(sig)
        try:
            code = self.popen.wait(timeout or DEADLINE)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()
            raise AssertionError("%s did not end\n%s" % (
                " ".join(self.argv), self.err.decode("utf-8", "replace")[-4000:])) from None
        for t in self.threads:
            t.join()
        self.popen.stdout.close()
        self.popen.stderr.close()
        if check is not None and code != check:
            raise AssertionError("%s: exit %d, not %d\n%s" % (
                " ".join(self.argv), code, check, self.err.decode("utf-8", "replace")[-4000:]))
        return code

    def kill(self):
        if self.popen.poll() is None:
            self.popen.kill()
        self.finish(check=None)

    def end(self):
        """A killed process leaves no coverage counts: make it write them first."""
        if self.popen.poll() is None:
            self.popen.terminate()
            try:
                self.popen.wait(5)
            except subprocess.TimeoutExpired:
                pass
        self.kill()


class Case(unittest.TestCase):
    """A test with a folder of its own, and processes that end with it."""

    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="evtape-test-")
        self.addCleanup(shutil.rmtree, self.dir, True)

    def path(self, name):
        return os.path.join(self.dir, name)

    def start(self, name, *args, env=None, stdin=subprocess.DEVNULL):
        """Start a built program; killed at the end if it still runs."""
        return self.spawn([program(name), *args], env=env, stdin=stdin)

    def spawn(self, argv, env=None, stdin=subprocess.DEVNULL):
        """Start any program."""
        p = Proc(argv, env=env, stdin=stdin)
        self.addCleanup(p.end if COUNTING else p.kill)
        return p

    def limited_env(self):
        """The environment of a program whose files may not grow: the counts of `make
        cov` are written elsewhere, or the limit would cut off the counts of all
        programs."""
        return dict(os.environ, GCOV_PREFIX=self.path("counts"))

    def run_limited(self, kib, *argv):
        """Run a built program whose files may not grow beyond so many KiB, as on a full
        disk; it must fail. Returns the CompletedProcess with bytes."""
        done = subprocess.run(["bash", "-c", "trap '' XFSZ; ulimit -f %d; exec \"$@\"" % kib, "x", program(argv[0]),
                               *argv[1:]], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              env=self.limited_env(), timeout=DEADLINE * 3, check=False)
        self.assertEqual(done.returncode, 1, done.stderr[-4000:])
        return done

    def write(self, name, content):
        path = self.path(name)
        with open(path, "wb") as f:
            f.write(content if isinstance(content, bytes) else content.encode())
        return path

    def certificates(self, **names):
        """A CA of the test's own (ca.pem), and for each NAME="DNS:localhost" a
        certificate (NAME.pem, NAME.key) for that."""
        def openssl(*args):
            subprocess.run(["openssl", *args], cwd=self.dir, check=True, stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL)
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem",
                "-subj", "/CN=test CA", "-days", "2")
        for name, alt in names.items():
            openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", name + ".key", "-out", name + ".csr",
                    "-subj", "/CN=" + name)
            self.write("ext", "subjectAltName=" + alt)
            openssl("x509", "-req", "-in", name + ".csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
                    "-out", name + ".pem", "-days", "2", "-extfile", "ext")

    def wait_until(self, what, condition, timeout=None):
        """Poll a condition that no program announces; its true value."""
        end = time.monotonic() + (timeout or DEADLINE)
        while True:
            value = condition()
            if value:
                return value
            if time.monotonic() > end:
                self.fail("gave up waiting for: " + what)
            time.sleep(0.01)  # between polls, not instead of a condition

    def patiently(self, attempt, *settings):
        """For a time limit that a busy machine can exceed: call attempt(setting) with
        longer and longer times. It returns whether it could decide; if the machine
        was too slow for one time, the next is tried."""
        for setting in settings:
            if attempt(setting):
                return
        self.fail("the machine was too slow, even with " + str(settings[-1]))


class Heard:
    """Replaces the result of one test, and keeps its events for the real result."""

    def __init__(self):
        self.calls = []
        self.shouldStop = self.failfast = False  # unittest's names

    def __getattr__(self, name):
        if not name.startswith(("add", "start", "stop")):
            raise AttributeError(name)
        return lambda *args: self.calls.append((name, args))


class SideBySide(unittest.TestSuite):
    """Tests that mostly wait, each in a thread of its own; a few at a time."""

    def run(self, result, debug=False):
        def one(test):
            heard = Heard()
            test.run(heard)
            return heard
        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            for heard in pool.map(one, self):
                for name, args in heard.calls:
                    getattr(result, name)(*args)
        return result


def side_by_side(_loader, tests, _pattern):
    """For a suite of tests that share nothing: load_tests = evtest.side_by_side"""
    def flat(suite):
        for t in suite:
            if isinstance(t, unittest.TestSuite):
                yield from flat(t)
            else:
                yield t
    return SideBySide(flat(tests))


def lines(raw):
    """The lines of some output, as bytes without their newlines."""
    return raw.split(b"\n")[:-1] if raw.endswith(b"\n") else raw.split(b"\n") if raw else []


def info(tape):
    """The output of `evtape info --json`."""
    return json.loads(run("evtape", "info", "--json", tape).stdout)


def frames(tape, *args):
    """The frames of a tape as `evtape cat` gives them (envelopes)."""
    return [json.loads(line) for line in lines(run("evtape", "cat", *args, tape).stdout)]


SIGINT, SIGTERM, SIGHUP, SIGKILL = signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL
