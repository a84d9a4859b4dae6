"""The golden tapes, one of each format version, are read by this version.

golden/vN.tape was written by the first program of format version N; its
frames are in golden/vN.frames, as evtape cat printed them then. Neither is
ever changed."""

import os
import shutil

import evtest

GOLDEN = os.path.join(evtest.TOP, "tests", "golden")


class Golden(evtest.Case):
    def test_every_version_is_read(self):
        versions = [n[:-5] for n in sorted(os.listdir(GOLDEN)) if n.endswith(".tape")]
        self.assertIn("v1", versions)
        for version in versions:
            tape = self.path(version + ".tape")
            shutil.copytree(os.path.join(GOLDEN, version + ".tape"), tape)
            with open(os.path.join(GOLDEN, version + ".frames"), "rb") as f:
                want = f.read()
            with self.subTest(version, state="as it was left: not closed"):
                self.assertEqual(evtest.run("evtape", "cat", tape).stdout, want)
                self.assertTrue(evtest.info(tape)["unclosed"])
            with self.subTest(version, state="recovered and written on"):
                evtest.run("evtape", "mark", tape, "read again")
                got = evtest.run("evtape", "cat", tape).stdout
                self.assertTrue(got.startswith(want))
                self.assertEqual(got[len(want):].count(b"\n"), 1)


if __name__ == "__main__":
    evtest.unittest.main()
