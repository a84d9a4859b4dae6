"""Functions that the tests of the commands of `evtape` share: tapes of exact frames,
and failures that are one line."""

import json
import os
import subprocess

import evtest

T0 = 1700000000000000000  # 2023-11-14T22:13:20Z
S = 10**9


class Case(evtest.Case):
    def make(self, name, lines, *options):
        """A tape of lines in mktape's form."""
        tape = self.path(name)
        subprocess.run([evtest.program("tests/mktape"), tape, *map(str, options)],
                       input="".join(line + "\n" for line in lines).encode(), check=True)
        return tape

    def states(self, name="a.tape", n=100, sources=4, step=S, start=T0, extra=(), options=()):
        """n states, one each `step` ns, of sources 10001 to 1000N in turn; every tenth
        is a lifecycle. `extra`: lines after them."""
        lines = ['%d received 1 1 {"type":"event","event":"%s","data":{"source_id":%d,"n":%d}}' % (
            start + i * step, "lifecycle" if i % 10 == 9 else "state", 10001 + i % sources, i) for i in range(n)]
        return self.make(name, lines + list(extra), *options)

    def many_blocks(self, name="a.tape", n=400):
        """A tape of several segments with several blocks each."""
        lines = []
        for i in range(n):
            lines.append('%d received 1 1 {"type":"event","event":"state","data":{"source_id":%d,"n":%d}}' % (
                T0 + i * S, 10001 + i % 4, i))
            if i % (n // 4) == n // 4 - 1 and i < n - 1:
                lines.append("rotate")
        return self.make(name, lines, 2000)

    def fails(self, code, pattern, *args):
        """One line on stderr that matches, nothing on stdout."""
        done = evtest.run("evtape", *args, check=code)
        self.assertEqual(done.stdout, b"")
        words = done.stderr.decode()
        self.assertRegex(words, pattern)
        self.assertEqual(words.count("\n"), 1, words)

    def warns(self, code, pattern, *args):
        """The output, with words on stderr that match."""
        done = evtest.run("evtape", *args, check=code)
        self.assertRegex(done.stderr.decode(), pattern)
        return done.stdout

    def out(self, *args, check=0):
        return evtest.run("evtape", *args, check=check).stdout

    def json(self, *args, check=0):
        return json.loads(self.out(*args, check=check))

    def json_lines(self, *args, check=0):
        return [json.loads(line) for line in self.out(*args, check=check).splitlines()]

    def nothing_left(self, *names):
        """Neither these nor half of them are there."""
        left = [n for n in os.listdir(self.dir) if any(n.startswith(os.path.basename(x)) for x in names)]
        self.assertEqual(left, [])

    def segment(self, tape, no=1):
        return os.path.join(tape, "%06d.ndjson.zst" % no)

    def flip(self, path, at, bits=0xff):
        """Alter a byte; at below 0 counts from the end."""
        with open(path, "r+b") as f:
            f.seek(at, os.SEEK_END if at < 0 else os.SEEK_SET)
            byte = f.read(1)
            f.seek(-1, os.SEEK_CUR)
            f.write(bytes([byte[0] ^ bits]))
