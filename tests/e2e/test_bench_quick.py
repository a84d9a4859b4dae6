"""The counts of make bench-quick: a change that makes a frame dearer is seen here."""

import os
import re
import shutil
import subprocess
import sys
import unittest

import evtest

# Instructions that a sanitizer or gcov adds would be counted, too.
INSTRUMENTED = (b"__asan_init", b"__tsan_init", b"__gcov_")


class BenchQuick(evtest.Case):

    def setUp(self):
        super().setUp()
        if not shutil.which("valgrind"):
            self.skipTest("valgrind is not installed")
        with open(evtest.program("evtape-record"), "rb") as f:
            program = f.read()
        if any(sign in program for sign in INSTRUMENTED):
            self.skipTest("this build is instrumented: its instructions are not the program's")

    def quick(self, *args):
        return subprocess.run([sys.executable, os.path.join(evtest.TOP, "tests", "bench", "quick"), *args],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=evtest.DEADLINE * 5, check=False)

    def test_counts(self):
        done = self.quick()
        table = done.stdout.decode("utf-8", "replace")
        self.assertEqual(done.returncode, 0, table)
        counts = re.findall(r"^(\S.*\S) +([0-9.e+]+) +([0-9.e+]+)  (?:ok|better|not judged)", table, re.M)
        self.assertGreaterEqual(len(counts), 6, table)
        self.assertIn("blocks read for one source of 40", table)


class Judging(unittest.TestCase):
    """Which results count as worse, and which as too noisy or as another machine's to
    be judged."""

    @classmethod
    def setUpClass(cls):
        # A script without an ending, so not by import.
        bench = os.path.join(evtest.TOP, "tests", "bench")
        sys.path.insert(0, bench)
        cls.addClassCleanup(sys.path.remove, bench)
        scope = {"__name__": "quick", "__file__": os.path.join(bench, "quick")}
        with open(scope["__file__"], encoding="utf-8") as f:
            exec(compile(f.read(), scope["__file__"], "exec"), scope)  # pylint: disable=exec-used
        cls.judge = staticmethod(scope["judge"])

    def test_a_tenth(self):
        self.assertEqual(self.judge("ingest_instructions", 1099, 1000, True), ("ok", False))
        self.assertEqual(self.judge("ingest_instructions", 1101, 1000, True), ("WORSE", True))
        self.assertEqual(self.judge("ingest_instructions", 899, 1000, True)[1], False)
        self.assertIn("--update", self.judge("ingest_instructions", 899, 1000, True)[0])

    def test_another_compiler(self):
        self.assertEqual(self.judge("ingest_instructions", 5000, 1000, False)[1], False)
        self.assertEqual(self.judge("disk_bytes", 80, 70, False), ("WORSE", True))

    def test_one_allocation_a_frame(self):
        self.assertEqual(self.judge("replay_allocations", 1.001, 0.001, True), ("WORSE", True))
        self.assertEqual(self.judge("replay_allocations", 0.05, 0.001, True), ("WORSE", True))

    def test_one_block_more(self):
        self.assertEqual(self.judge("query_blocks", 3, 2, True), ("WORSE", True))


if __name__ == "__main__":
    evtest.unittest.main()
