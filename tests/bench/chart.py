"""Charts as SVG, with no library."""

import html
import math

WIDTH, LEFT, ROW = 980, 430, 26
INK, GRID, GOOD, BAD, LINE = "#222", "#ddd", "#2a7f62", "#b3402e", "#2c5d9b"


def _svg(height, parts):
    return ('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">\n'
            '<rect width="100%%" height="100%%" fill="#fff"/>\n%s\n</svg>\n' % (WIDTH, height, "\n".join(parts)))


def _text(x, y, text, anchor="start", color=INK):
    return '<text x="%.1f" y="%.1f" text-anchor="%s" fill="%s">%s</text>' % (x, y, anchor, color, html.escape(text))


def _line(x1, y1, x2, y2, color, width=1.0):
    return '<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="%s" stroke-width="%.1f"/>' % (x1, y1, x2, y2, color, width)


def ratios(rows):
    """A bar for each ratio, in parts of its goal: a bar up to the line has reached it."""
    rows = [r for r in rows if "peer" in r]
    if not rows:
        return None
    scale = (WIDTH - LEFT - 70) / 4  # from a tenth of the goal to a thousand times it

    def at(x):
        return LEFT + scale * (1 + min(3, max(-1, math.log10(max(x, 1e-9)))))
    parts = []
    for i, row in enumerate(rows):
        y, goal = 30 + i * ROW, row["goal"][1] if row["goal"] else 1
        s = {k: v / goal for k, v in row["values"].items()}
        color = LINE if row["reached"] is None else GOOD if row["reached"] else BAD
        parts.append(_text(LEFT - 8, y + 13, ("%s / %s" % (row["what"], row["peer"]))[:66], "end"))
        parts.append('<rect x="%.1f" y="%d" width="%.1f" height="16" fill="%s"/>' % (
            LEFT, y, max(1, at(s["median"]) - LEFT), color))
        parts.append(_line(at(s["min"]), y + 8, at(s["max"]), y + 8, INK))
        parts.append(_text(at(s["max"]) + 5, y + 13, "%.2f" % row["values"]["median"]))
    parts.append(_line(at(1), 22, at(1), 30 + len(rows) * ROW, INK))
    parts.append(_text(at(1), 16, "goal (the peer's speed where there is none)", "middle"))
    return _svg(40 + len(rows) * ROW, parts)


def growth(series):
    """A panel for each series over the frames, both axes logarithmic."""
    series = {n: p for n, p in series.items() if len(p) > 1}
    if not series:
        return None
    panel, parts = 170, []
    for i, (name, points) in enumerate(series.items()):
        top, bottom = 45 + i * panel, 45 + i * panel + panel - 80
        low = 10 ** math.floor(math.log10(min(p[1] for p in points)))
        high = 10 ** math.ceil(math.log10(max(p[1] for p in points) * 1.0001))
        x0, x1 = math.log10(points[0][0]), math.log10(points[-1][0])

        def place(p, low=low, high=high, top=top, bottom=bottom, x0=x0, x1=x1):
            return (80 + (WIDTH - 160) * (math.log10(p[0]) - x0) / (x1 - x0),
                    bottom - (bottom - top) * math.log10(p[1] / low) / math.log10(high / low))
        parts += [_text(80, top - 24, name), _line(80, top, WIDTH - 80, top, GRID), _line(80, bottom, WIDTH - 80, bottom, GRID),
                  _text(74, top + 4, "%g" % high, "end"), _text(74, bottom + 4, "%g" % low, "end")]
        dots = [place(p) for p in points]
        parts.append('<polyline fill="none" stroke="%s" stroke-width="2" points="%s"/>' % (
            LINE, " ".join("%.1f,%.1f" % d for d in dots)))
        for (x, y), p in zip(dots, points):
            parts += ['<circle cx="%.1f" cy="%.1f" r="3" fill="%s"/>' % (x, y, LINE),
                      _text(x, y - 8, "%.3g" % p[1], "middle"), _text(x, bottom + 16, format(p[0], ","), "middle")]
    return _svg(20 + len(series) * panel, parts)
