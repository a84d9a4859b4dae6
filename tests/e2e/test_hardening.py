"""What is built is hardened, whatever flags the builder added: position
independent, relocations read-only and bound at the start, no stack that can
be executed, canaries, and the library's checked calls."""

import os
import re
import subprocess

import evtest

PROGRAMS = ("evtape", "evtape-record", "evtape-replay", "evtape-sim")
# The sanitizers replace the checked calls by their own, and a build that counts
# lines is not optimised, without which there are none.
UNCHECKED = evtest.COUNTING or "san" in os.path.basename(evtest.BUILD)


class Hardening(evtest.Case):
    def readelf(self, name, *options):
        return subprocess.run(["readelf", "-W", *options, evtest.program(name)], stdout=subprocess.PIPE,
                              check=True).stdout.decode("utf-8", "replace")

    def check_common(self, name):
        segments = self.readelf(name, "-l")
        self.assertIn("GNU_RELRO", segments)
        stack = re.search(r"GNU_STACK.*", segments).group(0)
        self.assertNotIn("E", stack[len("GNU_STACK"):], stack)
        self.assertRegex(self.readelf(name, "-d"), r"BIND_NOW|FLAGS_1.*\bNOW\b")
        symbols = self.readelf(name, "--dyn-syms")
        self.assertIn("__stack_chk_fail", symbols)
        if not UNCHECKED:
            self.assertRegex(symbols, r"__(memcpy|vsnprintf)_chk")

    def test_programs(self):
        for name in PROGRAMS:
            with self.subTest(name):
                self.assertRegex(self.readelf(name, "-h"), r"Type:\s+DYN")
                self.assertRegex(self.readelf(name, "-d"), r"FLAGS_1.*\bPIE\b")
                self.check_common(name)

    def test_libraries(self):
        for name in ("libevtape.so.0", "evtape.so"):
            with self.subTest(name):
                self.check_common(name)


if __name__ == "__main__":
    evtest.unittest.main()
