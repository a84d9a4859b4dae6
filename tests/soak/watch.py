"""Memory, descriptors and processor time of programs, second by second; and
whether they stay flat."""

import os
import statistics

TICK = os.sysconf("SC_CLK_TCK")
MIB = 1 << 20
# A program's memory may grow by this from the second quarter of the run to the
# last: noise of the allocator and of caches that fill. In a short run a client
# of the replayer more or fewer at a time is noise as well. In a long one the
# slope is bounded: what leaks, leaks on.
LONG = 600  # seconds
GROWTH = 1 * MIB
GROWTH_PART = 0.05
GROWTH_SHORT = 8 * MIB
DESCRIPTORS = 2
DESCRIPTORS_SHORT = 8
SLOPE = 2 * MIB
SLOPE_PART = 0.05
RULE = ("Flat: the median of the last quarter of the run is at most that of the second quarter and the greater of "
        "%d KiB and %d %% (memory), and %d (descriptors); in runs under %d s %d KiB and %d. From there on the slope of "
        "memory behind the first quarter (Theil and Sen: the median of the slopes between all pairs) is at most "
        "%d KiB or %d %% an hour." % (GROWTH >> 10, GROWTH_PART * 100, DESCRIPTORS, LONG, GROWTH_SHORT >> 10,
                             DESCRIPTORS_SHORT, SLOPE >> 10, SLOPE_PART * 100))


def _kib(path, *names):
    """Values of "Name:  123 kB" lines, in bytes."""
    found = {}
    with open(path, encoding="ascii", errors="replace") as f:
        for line in f:
            name, _, rest = line.partition(":")
            if name in names:
                found[name] = int(rest.split()[0]) * 1024
    return [found.get(n, 0) for n in names]


def sample(pid):
    """One look at a process."""
    with open("/proc/%d/stat" % pid, encoding="ascii", errors="replace") as f:
        fields = f.read().rpartition(")")[2].split()
    rss, = _kib("/proc/%d/status" % pid, "VmRSS")
    pss, = _kib("/proc/%d/smaps_rollup" % pid, "Pss")
    return {"rss": rss, "pss": pss, "fds": len(os.listdir("/proc/%d/fd" % pid)),
            "cpu": (int(fields[11]) + int(fields[12])) / TICK}


def links(pid):
    """A list of its descriptors."""
    found = []
    for fd in os.listdir("/proc/%d/fd" % pid):
        try:
            found.append(os.readlink("/proc/%d/fd/%s" % (pid, fd)))
        except FileNotFoundError:
            continue
    return found


def deleted(pid):
    """Files that were removed and are still open."""
    return [x for x in links(pid) if x.endswith(" (deleted)")]


def slope(points):
    """Theil and Sen's slope of (t, value), a second; of at most 300 points."""
    points = points[::max(1, len(points) // 300)]
    slopes = [(b[1] - a[1]) / (b[0] - a[0]) for i, a in enumerate(points) for b in points[i + 1:] if b[0] > a[0]]
    return statistics.median(slopes) if slopes else 0.0


def judge(samples, seconds):
    """For [{"t", "rss", "fds", ...}]: figures of each, and the faults."""
    out, wrong = {}, []
    growth, descriptors = (GROWTH, DESCRIPTORS) if seconds >= LONG else (GROWTH_SHORT, DESCRIPTORS_SHORT)
    for key, unit in (("rss", "KiB"), ("fds", "descriptors")):
        points = [(s["t"], s[key]) for s in samples]
        second = [v for t, v in points if seconds / 4 <= t < seconds / 2]
        last = [v for t, v in points if t >= seconds * 3 / 4]
        if not second or not last:
            return out, ["too few looks at it"]
        before, after = statistics.median(second), statistics.median(last)
        hour = slope([p for p in points if p[0] >= seconds / 4]) * 3600
        out[key] = {"second_quarter": before, "last_quarter": after, "per_hour": hour,
                    "most": max(v for _, v in points)}
        scale = 1024 if key == "rss" else 1
        allowed = max(growth, GROWTH_PART * before) if key == "rss" else descriptors
        if after - before > allowed:
            wrong.append("%s grew from %.0f to %.0f %s" % (key, before / scale, after / scale, unit))
        if seconds >= LONG and key == "rss" and hour > max(SLOPE, SLOPE_PART * before):
            wrong.append("%s grows by %.0f %s an hour" % (key, hour / scale, unit))
    span = samples[-1]["t"] - samples[0]["t"]
    out["cpu_percent"] = 100 * (samples[-1]["cpu"] - samples[0]["cpu"]) / span if span else 0.0
    return out, wrong
