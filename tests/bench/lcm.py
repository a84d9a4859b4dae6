"""LCM's logger and logplayer, which record and play messages of a multicast group."""

import os
import signal
import struct
import subprocess
import tempfile
import time

import measure
from inputs import FIRST_NS

# Time to live 0: packets stay on this machine.
GROUP = "udpm://239.255.76.67:7667?ttl=0"
PORT_IN_HEX = ":%04X " % 7667
CHANNEL = b"EVTAPE"
HEAD = struct.Struct(">IQQII")  # lcm's eventlog.c; times in us


def write_log(path, messages, step_ns, payload):
    """Messages at even times."""
    with open(path, "wb") as f:
        for i in range(messages):
            f.write(HEAD.pack(0xEDA1DA01, i, (FIRST_NS + i * step_ns) // 1000, len(CHANNEL), len(payload)))
            f.write(CHANNEL + payload)


def _listening():
    with open("/proc/net/udp", encoding="ascii") as f:
        return PORT_IN_HEX in f.read()


def _until(condition):
    """Whether it came true in time."""
    end = time.monotonic() + 10
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.002)  # between polls
    return True


def _stop_child(took):
    """End the program that `took` runs, as by Ctrl-C, and wait for both."""
    children = "/proc/%d/task/%d/children" % (took.pid, took.pid)
    if took.poll() is None:
        with open(children, encoding="ascii") as f:
            for child in f.read().split():
                os.kill(int(child), signal.SIGINT)
    took.wait()


def record(bench, messages, per_second, size):
    """Let the logger record what the logplayer plays: the logger's Run, and how many
    messages it has; None where they cannot do it here."""
    source, target = bench.path("played.lcm"), bench.path("logged.lcm")
    write_log(source, messages, 10**9 // per_second, b"x" * size)
    with tempfile.NamedTemporaryFile("r") as took:
        logger = subprocess.Popen([measure.peer("took"), took.name, "lcm-logger", "-q", "-f", "--lcm-url=" + GROUP, target],
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            played = _until(_listening) and measure.run(["lcm-logplayer", "-l", GROUP, source], must=False)
            if played:
                # It writes its messages each tenth of a second.
                _until(lambda: os.path.exists(target) and os.path.getsize(target) >= os.path.getsize(source))
        finally:
            _stop_child(logger)
        with open(took.name, encoding="ascii") as f:
            figures = f.read().split()
    if not played or not figures or not os.path.exists(target):
        return None
    got = os.path.getsize(target) // (HEAD.size + len(CHANNEL) + size)
    return measure.Run(float(figures[1]), int(figures[3]) * 1024, float(figures[2])), played, got
