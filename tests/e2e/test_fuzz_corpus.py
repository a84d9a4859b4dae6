"""Inputs on which fuzz targets once failed, and the seeds, given to each target once:
with any compiler, and quickly."""

import glob
import os
import re
import subprocess
import sys
import unittest

import evtest

FUZZ = os.path.join(evtest.TOP, "tests", "fuzz")


class Corpus(evtest.Case):
    def inputs(self, target, made):
        """The files that the target starts from."""
        with open(os.path.join(FUZZ, target + ".c"), encoding="utf-8") as f:
            named = re.findall(r"fuzz-seeds: *(.*)", f.read())
        found = [os.path.join(evtest.TOP, name) for line in named for name in line.split()]
        for folder in (os.path.join(FUZZ, "corpus", target), os.path.join(made, target)):
            found += sorted(glob.glob(os.path.join(folder, "*")))
        return found

    def test_each_input(self):
        made = self.path("made")
        subprocess.run([sys.executable, os.path.join(FUZZ, "seeds"), made], check=True, env=dict(os.environ, BUILD=evtest.BUILD))
        targets = sorted(os.path.basename(p)[:-2] for p in glob.glob(os.path.join(FUZZ, "fuzz_*.c")))
        self.assertGreater(len(targets), 10)
        for target in targets:
            inputs = self.inputs(target, made)
            self.assertTrue(inputs, "%s has nothing to start from" % target)
            with self.subTest(target):
                done = subprocess.run([evtest.program("fuzz/" + target), *inputs], cwd=evtest.TOP, timeout=evtest.DEADLINE * 3,
                                      env=dict(os.environ, TMPDIR=self.dir), stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
                # It says each before it is tried: the last one is the culprit.
                self.assertEqual(done.returncode, 0, done.stderr.decode("utf-8", "replace")[-2000:])
                self.assertEqual(done.stdout.decode(), "%d inputs\n" % len(inputs))


if __name__ == "__main__":
    unittest.main()
