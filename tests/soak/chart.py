"""Lines over time as SVG: charts one below the other, with axes, units and a
legend."""

from xml.sax.saxutils import escape

COLOURS = ("#2b6cb0", "#c05621", "#2f855a", "#805ad5", "#b7791f", "#c53030")
LEFT, WIDTH, HEIGHT, SPACE, TOP = 90, 830, 170, 64, 64
STYLE = ("text{font:12px sans-serif;fill:#333}.h{font-size:16px;font-weight:bold}.c{font-weight:bold}"
         ".e{text-anchor:end}.m{text-anchor:middle}.t{stroke:#ddd;fill:none}.d{stroke:#d43c3c;stroke-opacity:.35}"
         ".l{fill:none;stroke-width:1.4}")
MOST_POINTS = 830


def step(span, most):
    """A round step (1, 2, 5 times a power of ten) that makes at most so many ticks."""
    size = 10.0 ** -3
    while True:
        for k in (1, 2, 5):
            if span / (size * k) <= most:
                return size * k
        size *= 10


def label(value):
    return "%d" % value if value == int(value) else "%g" % value


def chart(out, y, title, unit, series, seconds, events):
    """One chart: series is {name: [(t, value)]}; events are times of vertical lines."""
    top = max([v for points in series.values() for _, v in points] + [1e-9]) * 1.05
    down = y + HEIGHT
    out.append('<text class="c" x="%d" y="%d">%s (%s)</text>' % (LEFT, y - 8, escape(title), escape(unit)))
    for t in events:
        x = LEFT + WIDTH * t / seconds
        out.append('<path class="d" d="M%.1f %dV%d"/>' % (x, y, down))
    tick = step(top, 5)
    for i in range(int(top / tick) + 1):
        v = i * tick
        at = down - HEIGHT * v / top
        out.append('<path class="t" d="M%d %.1fH%d"/><text class="e" x="%d" y="%.1f">%s</text>' % (
            LEFT, at, LEFT + WIDTH, LEFT - 6, at + 4, label(round(v, 6))))
    tick = step(seconds, 10)
    for i in range(int(seconds / tick) + 1):
        x = LEFT + WIDTH * i * tick / seconds
        out.append('<path class="t" d="M%.1f %dV%d"/><text class="m" x="%.1f" y="%d">%s s</text>' % (
            x, down, down + 4, x, down + 16, label(round(i * tick, 6))))
    x = LEFT
    for colour, (name, points) in zip(COLOURS, series.items()):
        points = points[::max(1, -(-len(points) // MOST_POINTS))]
        path = "L".join("%.1f %.1f" % (LEFT + WIDTH * t / seconds, down - HEIGHT * v / top) for t, v in points)
        out.append('<path class="l" stroke="%s" d="M%s"/>' % (colour, path))
        out.append('<path stroke="%s" stroke-width="3" d="M%d %dh16"/><text x="%d" y="%d">%s</text>' % (
            colour, x, down + 28, x + 22, down + 32, escape(name)))
        x += 40 + 7 * len(name)


def svg(title, words, charts, seconds, events):
    """charts: [(title, unit, {name: [(t, value)]})]."""
    height = TOP + len(charts) * (HEIGHT + SPACE) + 24
    out = ['<?xml version="1.0" encoding="UTF-8"?>',
           '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 960 %d" width="960" height="%d" role="img">' % (height, height),
           "<style>%s</style>" % STYLE, '<rect width="960" height="%d" fill="#fff"/>' % height,
           '<text class="h" x="20" y="26">%s</text><text x="20" y="44">%s</text>' % (escape(title), escape(words))]
    for i, (name, unit, series) in enumerate(charts):
        chart(out, TOP + 20 + i * (HEIGHT + SPACE), name, unit, series, seconds, events)
    out.append('<path class="d" d="M%d %dh16"/><text x="%d" y="%d">a connection of the recorder was lost</text>' % (
        LEFT, height - 10, LEFT + 22, height - 6))
    out.append("</svg>")
    return "\n".join(out) + "\n"
