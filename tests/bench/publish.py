"""The figures of a run as a part of a page of the documents."""

import os
import shutil
import sys
import time

from measure import TOP, number

sys.path.insert(0, os.path.join(TOP, "tests", "soak"))
import page  # pylint: disable=wrong-import-position

NAME = "make bench"


def _spread(row):
    s, unit = row["values"], row["unit"]
    text = number(s["median"])
    if s["min"] != s["max"]:
        text += " (%s to %s)" % (number(s["min"]), number(s["max"]))
    return text + (" " + unit if unit else "")


def _speed(row, of):
    seconds = row[of]["median"]
    if row.get("work"):
        return "%s %s/s" % (number(row["work"][0] / seconds), row["work"][1])
    return "%s ms" % number(1000 * seconds)


def _goal(row):
    if row["goal"] is None:
        return ""
    kind, at = row["goal"]
    return "%s %s%s" % ("≥" if kind == "least" else "≤", number(at), "" if row["reached"] else ", **missed**")


def table(rows):
    """Markdown: a line for each row; rows that could not be measured at the end."""
    lines = ["| what | evtape | against | ratio, or figure | goal |", "|---|---:|---:|---:|---|"]
    for row in rows:
        if "skipped" in row:
            continue
        if "peer" in row:
            cells = row["what"], _speed(row, "ours_s"), "%s: %s" % (row["peer"], _speed(row, "peer_s"))
        else:
            cells = row["what"], row["note"], ""
        lines.append("| %s |" % " | ".join(c.replace("|", "\\|") for c in (*cells, _spread(row), _goal(row))))
    skipped = ["- %s: %s" % (row["name"], row["skipped"]) for row in rows if "skipped" in row]
    return lines + ([""] + skipped if skipped else [])


def publish(path, about, rows, charts):
    """Put the table between the page's marks, and the charts beside the page."""
    for chart in charts:
        shutil.copy(chart, os.path.dirname(os.path.abspath(path)))
    m = about["machine"]
    head = "%s, on %s (%s), zstd %s; load before it began %.1f. Each row is the median of %d runs, with the least and the greatest." % (
        time.strftime("%Y-%m-%d"), page.machine(), m["cpu"], m["zstd"], m["load"], about["pairs"])
    pictures = ["![%s](%s)" % (os.path.basename(c)[:-4].replace("bench-", ""), os.path.basename(c)) for c in charts]
    page.splice(path, NAME, "\n".join([head, "", *table(rows), "", *pictures]))
