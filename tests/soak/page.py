"""A part of a page that is made from figures: the text between two marks."""

import platform
import os


def splice(page, name, text):
    """Put `text` between the marks of `name`."""
    begin, end = ("<!-- made by %s: %s -->" % (name, side) for side in ("begin", "end"))
    with open(page, encoding="utf-8") as f:
        whole = f.read()
    before, mark, rest = whole.partition(begin)
    _, last, after = rest.partition(end)
    if not mark or not last:
        raise SystemExit("%s lacks the lines %s and %s" % (page, begin, end))
    with open(page, "w", encoding="utf-8") as f:
        f.write(before + begin + "\n\n" + text.strip("\n") + "\n\n" + end + after)


def machine():
    """The machine, without its name."""
    system = platform.freedesktop_os_release().get("PRETTY_NAME", "Linux")
    with open("/proc/meminfo", encoding="ascii") as f:
        memory = int(f.readline().split()[1]) / (1 << 20)
    return "%s, Linux %s, %s, %d cores, %.0f GiB of memory" % (
        system, platform.release().split("-")[0], platform.machine(), os.cpu_count(), memory)


def number(n):
    return format(n, ",")
