"""Every command describes itself the same way in --help, man page and shell
completion; and the programs without arguments."""

import os
import pty
import re
import shutil
import subprocess
import unittest

import evtest

PROGRAMS = ("evtape", "evtape-record", "evtape-replay", "evtape-sim")


def commands():
    """Each program and command, as words: ["evtape", "export", "lines"]."""
    names = evtest.run("evtape", "--commands").stdout.decode().splitlines()
    return [[p] for p in PROGRAMS] + [["evtape", *name.split()] for name in names]


def options(words):
    out = evtest.run(*words, "--complete").stdout.decode()
    return {f[0]: f[1] for f in (line.split("\t") for line in out.splitlines()) if f[0].startswith("-")}


class Commands(unittest.TestCase):
    def test_an_option_is_in_help_man_page_and_completion(self):
        self.assertGreater(len(commands()), 16)
        for words in commands():
            with self.subTest(command=" ".join(words)):
                text = evtest.run(*words, "--help").stdout.decode()
                page = os.path.join(evtest.BUILD, "man", "-".join(words) + ".1")
                man = subprocess.run(["mandoc", "-T", "utf8", page], stdout=subprocess.PIPE, check=True).stdout
                man = re.sub(".\b", "", man.decode()).replace("\u2010", "-")
                shown = set(re.findall(r"^ {2,6}(?:-\w, )?(--[a-z0-9-]+)", text, re.M))
                self.assertEqual(shown, set(options(words)))
                for option in shown:
                    self.assertRegex(man, r"(?m)^ +(-\w, )?%s\b" % option)
                self.assertRegex(text, r"\Ausage: %s" % " ".join(words))
                self.assertIn("EXIT STATUS", man)
                if len(words) > 1 and words[1:] not in (["export"], ["import"]):
                    self.assertIn("Examples:", text)

    def test_the_list_of_commands_is_complete(self):
        text = evtest.run("evtape", "--help").stdout.decode()
        man = evtest.run("evtape", "--man").stdout.decode()
        for words in commands()[len(PROGRAMS):]:
            if len(words) == 2:
                self.assertRegex(text, r"(?m)^  %s " % words[1])
                self.assertIn("Xr evtape-%s 1" % words[1], man)
            else:
                self.assertRegex(evtest.run("evtape", words[1], "--help").stdout.decode(), r"(?m)^  %s " % words[2])

    def test_pages_are_well_formed(self):
        for words in commands():
            page = os.path.join(evtest.BUILD, "man", "-".join(words) + ".1")
            done = subprocess.run(["mandoc", "-T", "lint", "-W", "error", page], stdout=subprocess.PIPE, check=False)
            self.assertEqual(done.returncode, 0, done.stdout.decode())

    def test_without_arguments(self):
        self.assertEqual(evtest.run("evtape", check=2).stdout, b"")
        master, slave = pty.openpty()
        done = subprocess.run([evtest.program("evtape")], stdout=slave, check=True)
        os.close(slave)
        out = os.read(master, 4096).decode()
        os.close(master)
        self.assertEqual(done.returncode, 0)
        self.assertEqual(len(re.findall(r"^  evtape ", out, re.M)), 6)


class Completion(evtest.Case):
    FILES = os.path.join(evtest.TOP, "tools", "completion")

    def setUp(self):
        super().setUp()
        self.env = dict(os.environ, PATH=evtest.BUILD + ":" + os.environ["PATH"])

    def bash(self, *words):
        script = 'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _evtape; printf "%s\\n" "${COMPREPLY[@]}"'
        out = subprocess.run(["bash", "-c", script, "x", os.path.join(self.FILES, "evtape.bash"), *words], env=self.env,
                             stdout=subprocess.PIPE, check=True).stdout
        return out.decode().split()

    def test_bash(self):
        self.assertEqual(self.bash("evtape", "ver"), ["verify"])
        self.assertEqual(sorted(self.bash("evtape", "re")), ["record", "recover", "reindex", "replay"])
        self.assertIn("lines", self.bash("evtape", "export", ""))
        self.assertEqual(self.bash("evtape", "ls", "--so"), ["--sort"])
        self.assertEqual(self.bash("evtape", "export", "lines", "--forc"), ["--force"])
        self.assertEqual(self.bash("evtape", "replay", "--spe"), ["--speed"])
        self.assertEqual(self.bash("evtape-record", "--creden"), ["--credential-file"])
        self.assertEqual(self.bash("evtape", "ls", "--sort", ""), [])
        for words in commands():
            self.assertEqual(set(self.bash(*words, "--")), set(options(words)), words)

    def test_fish(self):
        if shutil.which("fish") is None:
            self.skipTest("fish is not installed")

        def fish(line):
            out = subprocess.run(["fish", "-c", "source %s/evtape.fish; complete -C '%s'" % (self.FILES, line)],
                                 env=self.env, cwd=self.dir, stdout=subprocess.PIPE, check=True).stdout
            return [entry.split("\t")[0] for entry in out.decode().splitlines()]
        self.assertEqual(fish("evtape ver"), ["verify"])
        self.assertIn("lines", fish("evtape export "))
        self.assertEqual(fish("evtape export lines --fo"), ["--force"])
        self.assertEqual(fish("evtape replay --spe"), ["--speed"])

    def test_zsh_takes_the_file(self):
        if shutil.which("zsh") is None:
            self.skipTest("zsh is not installed")
        subprocess.run(["zsh", "-n", os.path.join(self.FILES, "_evtape")], check=True)


if __name__ == "__main__":
    unittest.main()
