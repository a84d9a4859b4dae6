"""The library as other programs get it: installed, found by pkg-config, and
used by the example of the documentation."""

import os
import subprocess

import evtest

SANITIZED = os.path.basename(evtest.BUILD) in ("asan", "tsan", "cov")


class Library(evtest.Case):
    def make(self, target):
        build = os.path.relpath(evtest.BUILD, evtest.TOP)
        subprocess.run(["make", "-s", "-C", evtest.TOP, target, "BUILD=" + build, "DESTDIR=" + self.dir, "PREFIX=/usr",
                        # The tested files are installed: nothing is built again.
                        "-o", "headers-there"], check=True, stdout=subprocess.DEVNULL)

    def compile(self, *args, compiler="cc"):
        program = self.path("example")
        subprocess.run([compiler, "-Wall", "-Wextra", "-Werror", *args, "-o", program], check=True)
        return program

    def setUp(self):
        super().setUp()
        if SANITIZED:
            self.skipTest("a library with a sanitizer or counters in it needs a program with them")
        self.make("install")
        self.env = dict(os.environ, PKG_CONFIG_PATH=self.path("usr/lib/pkgconfig"), PKG_CONFIG_SYSROOT_DIR=self.dir,
                        LD_LIBRARY_PATH=self.path("usr/lib"))
        self.example = os.path.join(evtest.TOP, "docs", "example.c")

    def flags(self, *args):
        return subprocess.run(["pkg-config", *args, "evtape"], env=self.env, stdout=subprocess.PIPE,
                              check=True).stdout.decode().split()

    def test_the_example_reads_a_tape(self):
        tape = self.path("field.tape")
        text = evtest.run("evtape-sim", "--generate", 500).stdout
        evtest.run("evtape-record", "-", "-o", tape, "-q", stdin=text)
        shared = self.compile(self.example, *self.flags("--cflags", "--libs"))
        static = self.flags("--cflags", "--libs", "--static")
        for program in (shared, self.compile(self.example, "-L" + self.path("usr/lib"), *[
                "-l:libevtape.a" if f == "-levtape" else f for f in static])):
            out = subprocess.run([program, tape], env=self.env, stdout=subprocess.PIPE, check=True).stdout
            lines = evtest.lines(out)
            self.assertIn(b'"mark":"started"', lines[0])
            self.assertEqual(lines[1:-1], evtest.lines(text))
            missing = subprocess.run([program, self.path("none")], env=self.env, stderr=subprocess.PIPE, check=False)
            self.assertEqual(missing.returncode, 1)
            self.assertIn(b"there is no tape at", missing.stderr)

    def test_the_header_stands_alone(self):
        include = "-I" + self.path("usr/include")
        source = self.write("alone.c", "#include <evtape.h>\nint main(void) { return evt_version() == 0; }\n")
        libs = [f for f in self.flags("--libs") if f]
        for args in (["cc", "-std=c11", "-pedantic"], ["clang", "-std=c11", "-pedantic"], ["g++", "-x", "c++"]):
            if subprocess.run(["sh", "-c", "command -v " + args[0]], stdout=subprocess.DEVNULL, check=False).returncode:
                continue  # no C++ compiler is asked for by this project
            subprocess.run([*args, "-Wall", "-Wextra", "-Werror", include, source, *libs, "-o", self.path("alone")],
                           check=True)

    def test_only_public_names_are_exported(self):
        names = subprocess.run(["nm", "-D", "--defined-only", self.path("usr/lib/libevtape.so.0")],
                               stdout=subprocess.PIPE, check=True).stdout.decode().split("\n")
        names = {n.split()[2].split("@")[0] for n in names if n} - {"EVTAPE_0"}
        with open(os.path.join(evtest.TOP, "format", "evtape.h"), encoding="utf-8") as f:
            header = f.read()
        for name in names:
            self.assertIn(name + "(", header)
        self.assertIn("evt_cursor_next", names)

    def test_uninstall_leaves_nothing(self):
        def files():
            return [os.path.join(at, n) for at, _, names in os.walk(self.path("usr")) for n in names]
        self.assertGreaterEqual(len(files()), 12)
        self.make("uninstall")
        self.assertEqual(files(), [])


if __name__ == "__main__":
    evtest.unittest.main()
