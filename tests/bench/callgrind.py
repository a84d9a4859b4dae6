"""Run a program under callgrind and read what it counted."""

import os
import re
import subprocess
import sys

from measure import evtest

ALLOCATORS = ("malloc", "calloc", "realloc", "memalign", "aligned_alloc", "posix_memalign")
NAME = re.compile(r"(c?)(fn|ob)=\((\d+)\)(?: (.*))?$")


class Profile:
    """Instructions in all and of each object file, and how often functions were called."""

    def __init__(self, work, argv, stdin=os.devnull):
        out = os.path.join(work, "callgrind.out")
        with open(stdin, "rb") as f:
            done = subprocess.run(["valgrind", "-q", "--tool=callgrind", "--callgrind-out-file=" + out, "--dump-line=no",
                                   *argv], stdin=f, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
        if done.returncode:
            sys.exit("%s under callgrind: exit %d\n%s" % (argv[0], done.returncode, done.stderr.decode("utf-8", "replace")))
        self.objects, self.calls, self.total = {}, {}, 0
        with open(out, encoding="utf-8", errors="replace") as f:
            self._read(f)
        self.instructions = sum(self.objects.values())
        if self.instructions != self.total:
            sys.exit("%s: callgrind counted %d instructions and %d were read" % (argv[0], self.total, self.instructions))

    def _read(self, lines):
        names = {"fn": {}, "ob": {}}
        here, callee, of_call = "", "", False
        for line in lines:
            m = NAME.match(line)
            if m:
                called, kind, key, name = m.groups()
                if name is not None:
                    names[kind][key] = name
                if kind == "ob" and not called:
                    here = names["ob"][key]
                elif kind == "fn" and called:
                    callee = names["fn"][key].split("'")[0]
            elif line.startswith("totals:"):
                self.total = int(line.split()[1])
            elif line.startswith("calls="):
                self.calls[callee] = self.calls.get(callee, 0) + int(line[6:].split()[0])
                of_call = True
            elif line[0] in "0123456789+-*":
                # The line after a call is the cost of the called function.
                if not of_call:
                    self.objects[here] = self.objects.get(here, 0) + int(line.split()[1])
                of_call = False

    def own(self):
        """Instructions in the code that was built here."""
        return sum(n for name, n in self.objects.items() if name.startswith(evtest.BUILD))

    def calls_to(self, *functions):
        return sum(self.calls.get(f, 0) for f in functions)
