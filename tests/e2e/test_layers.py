"""Arrows between the layers point down: format knows nobody, record and replay
know format alone, tools know all."""

import os
import re
import unittest

import evtest

MAY_INCLUDE = {
    "format": {"format"},
    "record": {"format", "record"},
    "replay": {"format", "replay"},
    "tools": {"format", "record", "replay", "tools"},
}


def sources(layer):
    for at, _, names in os.walk(os.path.join(evtest.TOP, layer)):
        for name in names:
            if name.endswith((".c", ".h")):
                yield os.path.join(at, name)


class Layers(unittest.TestCase):
    def includes(self, layer):
        for path in sources(layer):
            with open(path, encoding="utf-8") as f:
                for name in re.findall(r'^\s*#\s*include\s+"([^"]+)"', f.read(), re.M):
                    yield os.path.relpath(path, evtest.TOP), name

    def test_arrows_point_down(self):
        for layer, allowed in MAY_INCLUDE.items():
            seen = 0
            for path, name in self.includes(layer):
                seen += 1
                top = name.split("/")[0]
                if "/" not in name:  # beside it: format's headers alone
                    self.assertTrue(os.path.exists(os.path.join(evtest.TOP, "format", name)), (path, name))
                    top = "format"
                self.assertIn(top, allowed, "%s includes %s" % (path, name))
            self.assertGreater(seen, 5)

    def test_format_has_no_sockets_and_prints_nothing(self):
        for path in sources("format"):
            with open(path, encoding="utf-8") as f:
                text = re.sub(r"/\*.*?\*/", "", f.read(), flags=re.S)
            for word in (r"libwebsockets", r"sys/socket", r"printf\(stdout", r"[^\w]printf\(", r"fprintf\(", r"\bputs\(", r"\bexit\(",
                         r"\babort\("):
                self.assertIsNone(re.search(r"(?<!_)" + word, text), (path, word))


if __name__ == "__main__":
    unittest.main()
