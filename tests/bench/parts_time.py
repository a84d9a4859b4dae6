"""Whether frames go out when they are due."""

import json
import os
import re
import struct
import subprocess
import sys
import time

import measure
from inputs import FIRST_NS
from lcm import GROUP, write_log
from measure import peer, program

P50_US, P99_US, LAST_US, CPU = 15, 150, 1000, 5
STEP_NS = 1000000
SPEEDS = (0.1, 0.5, 2, 10, 100)
THEIR_SECONDS = 15  # others are watched for so long, and held against as much of ours
PAYLOAD = b"x" * 100


def pcap(path, frames):
    """The schedule as a capture of Ethernet frames, of the type for local experiments."""
    packet = bytes(12) + b"\x88\xb5" + PAYLOAD
    with open(path, "wb") as f:
        f.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for i in range(frames):
            at = (FIRST_NS + i * STEP_NS) // 1000
            f.write(struct.pack("<IIII", at // 10**6, at % 10**6, len(packet), len(packet)) + packet)


def lateness(arrived):
    """Lateness against even times in us, with the earliest taken as on time: p50, p99,
    greatest, and how far the last is from its place after the first."""
    offs = [a - i * STEP_NS for i, a in enumerate(arrived)]
    base = min(offs)
    late = [(o - base) / 1e3 for o in offs]
    return measure.percentile(late, 0.5), measure.percentile(late, 0.99), max(late), (offs[-1] - offs[0]) / 1e3


def observe(bench, how, frames, argv):
    """Run a player and its observer: (the player's Run, times of arrival)."""
    ready = bench.path("watching")
    if os.path.exists(ready):
        os.unlink(ready)
    watch = subprocess.Popen([peer("arrivals"), how, str(frames), ready], stdout=subprocess.PIPE,
                             stdin=subprocess.PIPE if how == "lines" else subprocess.DEVNULL)
    while not os.path.exists(ready):
        if watch.poll() is not None:
            return None, []
        time.sleep(0.002)  # between polls
    if how == "lines":
        done = measure.run(argv, stdout=watch.stdin)
    else:
        done = measure.run(argv, must=False)
    try:
        out, _ = watch.communicate(timeout=2)
    except subprocess.TimeoutExpired:  # some were lost
        watch.kill()
        out, _ = watch.communicate()
    return done, [int(line) for line in out.splitlines()]


def _ours(bench, tape, frames, options, seen, part):
    done, arrived = observe(bench, "lines", frames, [program("evtape-replay"), tape, "--json", *options])
    own = json.loads(re.search(r"\{.*\}", done.err).group())["lateness_ns"]
    if len(arrived) != frames:
        sys.exit("bench: %d of %d frames came" % (len(arrived), frames))
    seen.append((own["p50"] / 1e3, own["p99"] / 1e3, lateness(arrived), 100 * done.cpu / done.seconds,
                 lateness(arrived[:part])))


def _theirs(bench, how, frames, argv, seen):
    _, arrived = observe(bench, how, frames, argv)
    if len(arrived) == frames:
        seen.append(lateness(arrived))


def players(bench, frames):
    """Other programs that can play the schedule here: (name, how it is observed, argv)."""
    found = []
    if measure.there("lcm-logplayer"):
        write_log(bench.path("even.lcm"), frames, STEP_NS, PAYLOAD)
        found.append(("LCM logplayer", "udp", ["lcm-logplayer", "-l", GROUP, bench.path("even.lcm")]))
    else:
        bench.table.skip("pacing of LCM's logplayer", "liblcm-bin is not installed")
    if measure.there("tcpreplay") and os.geteuid() == 0:
        pcap(bench.path("even.pcap"), frames)
        found.append(("tcpreplay", "packet", ["tcpreplay", "-q", "-K", "-T", "nano", "-i", "lo", bench.path("even.pcap")]))
    else:
        bench.table.skip("pacing of tcpreplay", "it is not installed, or this is not root")
    return found


def pacing(bench):
    """1,000 frames a second, of ours and of others by turns."""
    frames = bench.seconds * 1000
    tape = bench.inputs.even(frames, 1000)
    part = min(frames, THEIR_SECONDS * 1000)
    others = [(*p, []) for p in players(bench, part)]
    plain, precise = [], []
    for _ in range(bench.table.pairs):
        _ours(bench, tape, frames, [], plain, part)
        _ours(bench, tape, frames, ["--precise"], precise, part)
        for _, how, argv, seen in others:
            _theirs(bench, how, part, argv, seen)
    for name, runs, cpu in (("pacing", plain, CPU), ("pacing_precise", precise, None)):
        at = "1 kHz, %d s%s: " % (bench.seconds, ", --precise" if runs is precise else "")
        bench.table.figure(name + "_p50", at + "late, p50", [r[0] for r in runs], "us", ("most", P50_US))
        bench.table.figure(name + "_p99", at + "late, p99", [r[1] for r in runs], "us", ("most", P99_US))
        bench.table.figure(name + "_seen_p99", at + "late as a reader sees it, p99", [r[2][1] for r in runs], "us")
        bench.table.figure(name + "_last", at + "the last frame from its time", [abs(r[2][3]) for r in runs], "us",
                           ("most", LAST_US))
        bench.table.figure(name + "_cpu", at + "of one core", [r[3] for r in runs], "%", cpu and ("most", cpu))
    for name, _, _, seen in others:
        compare(bench, name, "1 kHz, %d s" % (part // 1000), plain, seen)


def compare(bench, name, at, plain, seen):
    if not seen:
        bench.table.skip("pacing of " + name, "not all of its messages could be received here")
        return
    key = re.sub(r"\W", "_", name.lower())
    pairs = [(ours[4][1], theirs[1]) for ours, theirs in zip(plain, seen)]
    bench.table.ratio("pacing_" + key, at + ": p99 of lateness as a reader sees it",
                      [(max(a, 0.001) / 1e6, b / 1e6) for a, b in pairs], name, ("least", 1.0))
    bench.table.figure("pacing_%s_last" % key, "%s, %s: the last from its time" % (at, name),
                       [abs(s[3]) for s in seen], "us")


def speeds(bench):
    """The difference between the actual and the requested speed, over some seconds
    each."""
    for speed in SPEEDS:
        seconds = max(1, min(5, bench.seconds))
        tape = bench.inputs.even(max(10, int(seconds * speed * 100)), 100)
        off = []
        for _ in range(bench.table.pairs):
            err = measure.run([program("evtape-replay"), tape, "--json", "--speed", str(speed)]).err
            said = json.loads(re.search(r"\{.*\}", err).group())
            off.append(100 * abs(said["tape_ns"] / said["wall_ns"] / speed - 1))
        bench.table.figure("speed_%s" % speed, "speed %s: off by" % speed, off, "%", ("most", 0.1))


