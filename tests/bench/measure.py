"""Running things by turns, and holding what came out against a goal.

A row of the table is a ratio (ours against a peer, both run by turns at least
PAIRS times) or a figure (ours alone, as often). Both keep their least, median
and greatest; the median is what is held against the goal.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tests", "e2e"))
import evtest  # pylint: disable=wrong-import-position

PAIRS = 5
WAIT_S = 120  # for a program's message that it is ready


def program(name):
    """A program of ours, or the end with a word."""
    path = evtest.program(name)
    if not os.path.exists(path):
        sys.exit("bench: %s is not built: make bench" % path)
    return path


def peer(name):
    """A program of the benchmarks."""
    return program("tests/" + name)


def there(*commands):
    """Whether the commands of others are installed."""
    return all(shutil.which(c) for c in commands)


@dataclass
class Run:
    """How a program fared."""
    seconds: float
    memory: int = 0  # greatest resident size, bytes
    cpu: float = 0.0  # seconds
    err: str = ""


def run(argv, stdin=None, stdout=subprocess.DEVNULL, feed=None, must=True):
    """Run it to its end. stdin: a path, a file; feed: another program's argv,
    whose stdout it reads. An exit code other than 0 or 3 ends everything, or gives
    None where it need not succeed."""
    source = stdin if hasattr(stdin, "fileno") else open(stdin or os.devnull, "rb")
    with source, tempfile.NamedTemporaryFile("r") as took, tempfile.TemporaryFile() as words:
        feeder = subprocess.Popen(feed, stdout=subprocess.PIPE) if feed else None
        subprocess.run([peer("took"), took.name, *argv], stdin=feeder.stdout if feeder else source, stdout=stdout,
                       stderr=words, check=False)
        if feeder:
            feeder.stdout.close()
            if feeder.wait():
                sys.exit("%s: exit %d" % (" ".join(feed), feeder.returncode))
        words.seek(0)
        err = words.read().decode("utf-8", "replace")
        with open(took.name, encoding="ascii") as f:
            figures = f.read().split()
    if not figures or figures[0] not in ("0", "3"):
        if not must:
            return None
        sys.exit("%s: exit %s\n%s" % (" ".join(argv), figures[:1], err))
    return Run(float(figures[1]), int(figures[3]) * 1024, float(figures[2]), err)


def output(argv, **more):
    """Its output."""
    return subprocess.run(argv, stdout=subprocess.PIPE, check=True, **more).stdout


def first_byte(argv):
    """Seconds from the start of the process to the first byte of its output."""
    start = time.monotonic()
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as p:
        got = os.read(p.stdout.fileno(), 1)
        took = time.monotonic() - start
        while os.read(p.stdout.fileno(), 1 << 20):
            pass
    if not got:
        sys.exit("%s: printed nothing" % " ".join(argv))
    return took


class Background:
    """A program that writes a file when it is ready, and is stopped at the end."""

    def __init__(self, argv, ready, env=None):
        if os.path.exists(ready):
            os.unlink(ready)
        self.ready = ready
        self.popen = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=env)
        end = time.monotonic() + WAIT_S
        while not os.path.exists(ready):
            if self.popen.poll() is not None or time.monotonic() > end:
                self.popen.kill()
                sys.exit("%s: is not ready\n%s" % (" ".join(argv), self.popen.stderr.read().decode()))
            time.sleep(0.002)  # between polls

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.popen.poll() is None:
            self.popen.terminate()
            self.popen.wait()
        self.popen.stderr.close()

    def url(self):
        with open(self.ready, encoding="ascii") as f:
            return f.read().strip()

    def port(self):
        return self.url().split("/")[2].rpartition(":")[2]

    def finish(self):
        """Wait for its end."""
        if self.popen.wait():
            sys.exit("%s: exit %d\n%s" % (self.popen.args[0], self.popen.returncode, self.popen.stderr.read().decode()))


def spread(values):
    values = sorted(values)
    return {"min": values[0], "median": statistics.median(values), "max": values[-1]}


def percentile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * share))]


def number(x):
    return "%.0f" % x if abs(x) >= 1000 else "%.3g" % x


class Table:
    """The rows, as they are printed and as build/bench.json has them."""

    def __init__(self, pairs=PAIRS):
        self.pairs, self.rows = max(pairs, 1), []

    def _put(self, row, left, right):
        goal = "goal %s %s: %s" % ("at least" if row["goal"][0] == "least" else "at most", number(row["goal"][1]),
                                   "reached" if row["reached"] else "MISSED") if row["goal"] else ""
        self.rows.append(row)
        s = row["values"]
        print("%-58s %-30s %-30s %9s (%s to %s)%s  %s" % (
            row["what"], left, right, number(s["median"]), number(s["min"]), number(s["max"]),
            " " + row["unit"] if row["unit"] else "", goal), flush=True)

    @staticmethod
    def _judge(goal, values):
        if goal is None:
            return None
        return values["median"] >= goal[1] if goal[0] == "least" else values["median"] <= goal[1]

    def figure(self, name, what, values, unit, goal=None, note=""):
        """Ours alone: values of some runs. goal: ("most" or "least", number)."""
        s = spread(values)
        self._put({"name": name, "what": what, "unit": unit, "values": s, "runs": len(values), "goal": goal,
                   "reached": self._judge(goal, s), "note": note}, note, "")
        return s

    def ratio(self, name, what, pairs, peer_name, goal=None, work=None, note=""):
        """pairs: (our seconds, the peer's) of some runs: how many times as fast
        ours is. work: (amount, unit) that both do, for speeds."""
        s = spread([theirs / ours for ours, theirs in pairs])
        mine, other = spread([o for o, _ in pairs]), spread([p for _, p in pairs])

        def speed(of):
            return "%s %s/s" % (number(work[0] / of["median"]), work[1]) if work else "%s s" % number(of["median"])
        self._put({"name": name, "what": what, "unit": "", "values": s, "runs": len(pairs), "goal": goal,
                   "reached": self._judge(goal, s), "ours_s": mine, "peer_s": other, "peer": peer_name, "note": note,
                   "work": work}, speed(mine), peer_name + " " + speed(other))
        return s

    def turns(self, *calls):
        """Each call by turns, as often as there are pairs: a list of tuples."""
        return [tuple(call() for call in calls) for _ in range(self.pairs)]

    def skip(self, what, why):
        self.rows.append({"name": what, "skipped": why})
        print("%-58s skipped: %s" % (what, why), flush=True)

    def save(self, path, about):
        with open(path + ".half", "w", encoding="utf-8") as f:
            json.dump(dict(about, rows=self.rows), f, indent=1)
        os.rename(path + ".half", path)
