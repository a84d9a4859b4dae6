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

    def test_format_reaches_files_through_its_table_alone(self):
        """A test can fail, or cut off, what goes through evt_io, and nothing
        else.  SQLite's own way to files is a VFS, named there too."""
        calls = ("open", "openat", "open64", "creat", "close", "read", "pread", "readv", "preadv", "write", "pwrite", "writev", "pwritev",
                 "lseek", "mmap", "fopen", "fdopen", "freopen", "stat", "lstat", "fstat", "fstatat", "access", "faccessat", "opendir",
                 "fdopendir", "readdir", "closedir", "scandir", "nftw", "glob", "realpath", "rename", "renameat", "unlink", "unlinkat",
                 "remove", "link", "symlink", "mkdir", "mkdirat", "rmdir", "mkdtemp", "mkstemp", "tmpfile", "truncate", "ftruncate",
                 "fallocate", "posix_fallocate", "fsync", "fdatasync", "sync", "syncfs", "fcntl", "flock", "lockf", "chmod", "fchmod",
                 "statvfs", "fstatvfs")
        # A name of its own: not a member (io->open), part of a longer name (evt_lock_open), or a declaration's.
        direct = re.compile(r"(?<![\w>.])(%s)\s*\(" % "|".join(calls))
        for path in sources("format"):
            if os.path.basename(path) == "io.c":
                continue
            with open(path, encoding="utf-8") as f:
                text = re.sub(r"/\*.*?\*/", "", f.read(), flags=re.S)
            text = re.sub(r'"(\\.|[^"\\\n])*"', '""', text)
            for line in text.splitlines():
                found = direct.search(line)
                self.assertIsNone(found, "%s calls %s() past evt_io: %s" % (path, found and found.group(1), line))


if __name__ == "__main__":
    unittest.main()
