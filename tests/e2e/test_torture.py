"""tests/torture: the tables of docs/reliability.md have the reported figures, and a
loss that a promise covers is a failure."""

import json
import os
import re
import subprocess
import sys

import evtest

TORTURE = os.path.join(evtest.TOP, "tests", "torture")
PAGE = os.path.join(evtest.TOP, "docs", "reliability.md")
RUN = {"date": "2026-03-01", "machine": "a machine"}
SUITE = {"suite": "test_kill", "seconds": 1234.56, "code": 0}
FAULT = {"fault": "kill -9", "tried": 200, "frames": 1234567, "lost": 0, "suite": "test_kill", "promise": "what was there"}


class Torture(evtest.Case):
    def render(self, *rows, check=0):
        """Render a report into a page; the page."""
        report = self.write("report", "".join(json.dumps(r) + "\n" for r in rows))
        with open(PAGE, encoding="utf-8") as f:
            page = self.write("page.md", f.read())
        done = subprocess.run([sys.executable, TORTURE, "--render", report, page], check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.assertEqual(done.returncode, check, done.stderr.decode())
        self.words = done.stderr.decode()
        with open(page, encoding="utf-8") as f:
            return f.read()

    def test_a_report(self):
        page = self.render(RUN, SUITE, FAULT, dict(FAULT, fault="a | b", frames=1))
        self.assertIn("Run of 2026-03-01 on a machine.\n", page)
        self.assertIn("| kill -9 | 200 | 1,234,567 | 0 | what was there |\n", page)
        self.assertIn("| a \\| b | 200 | 1 | 0 |", page)
        self.assertIn("| **all** | 400 | 1,234,568 | 0 | |\n", page)
        self.assertIn("| `test_kill` | 1234.6 | passed |\n", page)
        with open(PAGE, encoding="utf-8") as f:
            before = f.read()
        cut = re.compile("(<!-- made by make torture: begin -->).*(<!-- made by make torture: end -->)", re.S)
        self.assertEqual(cut.sub(r"\1\2", page), cut.sub(r"\1\2", before))

    def test_a_loss_is_a_failure(self):
        page = self.render(RUN, SUITE, dict(FAULT, lost=2), check=1)
        self.assertIn("| **2** |", page)
        self.assertIn("kill -9: 2 of 1,234,567 frames lost", self.words)

    def test_a_suite_that_failed(self):
        page = self.render(RUN, dict(SUITE, code=1), FAULT, check=1)
        self.assertIn("**failed**", page)
        self.assertIn("test_kill failed", self.words)

    def test_nothing_reported(self):
        self.render(RUN, SUITE, check=1)
        self.assertIn("no test reported", self.words)

    def test_invalid_counts(self):
        self.render(RUN, SUITE, dict(FAULT, lost=None), check=1)
        self.assertIn("a fault without its counts", self.words)

    def test_usage(self):
        done = subprocess.run([sys.executable, TORTURE, "test_nothing"], check=False, stderr=subprocess.PIPE)
        self.assertEqual(done.returncode, 2)


if __name__ == "__main__":
    evtest.unittest.main()
