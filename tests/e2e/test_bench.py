"""Each part of the benchmarks runs to its end, with inputs too small to say anything."""

import json
import os
import re
import subprocess
import sys

import evtest

PARTS = ("ingest", "disk", "socket", "steady", "stdout", "websocket", "seek", "state", "open", "find", "memory", "growth")


class Bench(evtest.Case):

    def bench(self, *args):
        done = subprocess.run([sys.executable, os.path.join(evtest.TOP, "tests", "bench", "run"), "--out", self.dir, *args],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=evtest.DEADLINE * 5, check=False)
        return done.returncode, done.stdout.decode("utf-8", "replace")

    def test_parts(self):
        os.mkdir(self.path("docs"))
        page = self.path("docs/page.md")
        with open(page, "w", encoding="utf-8") as f:
            f.write("before\n<!-- made by make bench: begin -->\nold\n<!-- made by make bench: end -->\nbehind\n")
        code, table = self.bench("--frames", "1000,2000", "--pairs", "1", "--page", page, *PARTS)
        self.assertEqual(code, 0, table)
        with open(self.path("bench.json"), encoding="utf-8") as f:
            rows = [r for r in json.load(f)["rows"] if "skipped" not in r]
        names = " ".join(r["name"] for r in rows)
        for want in ("ingest_2000_1000_zstd", "ingest_2000_100000_sqlite", "disk_1000_1000_index", "socket_lws",
                     "steady_stamp_p99", "replay_stdout", "replay_tenth", "websocket_100", "websocket_100_bare", "seek_first", "seek_sqlite",
                     "state", "open", "find_value", "memory_six_hours", "memory_100_clients_on_one_deck_standing_still", "grown_ingest"):
            self.assertIn(want, names)
        for row in rows:
            self.assertLessEqual(row["values"]["min"], row["values"]["max"])
            self.assertEqual(row["goal"] is None, row["reached"] is None)
        with open(page, encoding="utf-8") as f:
            text = f.read()
        self.assertTrue(text.startswith("before\n") and text.endswith("behind\n") and "old" not in text, text)
        lines = [line for line in text.splitlines() if line.startswith("| ")]
        self.assertEqual(len(lines), len(rows) + 1)
        self.assertEqual({line.count(" | ") for line in lines}, {4})
        missing = [r["values"]["max"] for r in rows if r["name"].endswith("_missing")]
        self.assertEqual(missing, [0, 0])
        for chart in ("bench-ratios.svg", "bench-growth.svg", "docs/bench-ratios.svg"):
            with open(self.path(chart), encoding="utf-8") as f:
                self.assertTrue(f.read().startswith("<svg "))

    def test_the_page_names_each_part(self):
        code, words = self.bench("--help")
        self.assertEqual(code, 0, words)
        parts = re.search(r"parts: ((?:\w+\s+)+)", words).group(1).split()
        with open(os.path.join(evtest.TOP, "docs", "performance.md"), encoding="utf-8") as f:
            page = f.read()
        self.assertGreater(len(parts), 10)
        for part in set(parts) - {"options", "positional"}:
            self.assertIn("`%s`" % part, page)

    def test_an_unknown_part(self):
        code, words = self.bench("nonsense")
        self.assertEqual(code, 2)
        self.assertIn("no part nonsense", words)


if __name__ == "__main__":
    evtest.unittest.main()
