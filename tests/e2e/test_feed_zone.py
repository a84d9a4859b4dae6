"""Local times of a feed become UTC: the zone is found on the tape, or given. The judge
is Python's zoneinfo."""

import contextlib
import datetime
import sqlite3
import unittest
import zoneinfo

import tooltest
from tooltest import S

UTC = datetime.timezone.utc
FORM = "%Y-%m-%d %H:%M:%S"


def have(*names):
    for name in names:
        try:
            zoneinfo.ZoneInfo(name)
        except zoneinfo.ZoneInfoNotFoundError:
            return False
    return True


def change_of(zone, year, half):
    """The second in UTC at which the clocks of a zone are changed, in the first or the
    second half of a year."""
    at = datetime.datetime(year, 1 if half == 1 else 7, 1, tzinfo=UTC)
    before = at.astimezone(zone).utcoffset()
    while at.astimezone(zone).utcoffset() == before:
        at += datetime.timedelta(minutes=15)
    return int(at.timestamp())


def local(zone, s):
    return datetime.datetime.fromtimestamp(s, zone).strftime(FORM)


class Tapes(tooltest.Case):
    def state(self, zone, sent, received=None, updated=None, source=1, user_time=True):
        """A state that was sent at a second, and its time then."""
        received = sent if received is None else received
        updated = sent if updated is None else updated
        head = '"user_time":"%s",' % local(zone, sent) if user_time else ""
        return '%d received 1 1 {"type":"event","event":"state",%s"data":{"source_id":%d,"last_update":"%s",' \
            '"gps":{"location":{"lat":1,"lng":2}}}}' % (received * S + S // 2, head, source, local(zone, updated)), updated

    def feed(self, name, states):
        """A tape of states, which are sorted by receipt; and their true times."""
        states = sorted(states, key=lambda s: int(s[0].split()[0]))
        return self.make(name, [line for line, _ in states]), [updated for _, updated in states]

    def times(self, tape, *options):
        lines = self.json_lines("cat", "--format", "geojson", tape, *options)
        return [int(datetime.datetime.fromisoformat(f["properties"]["time"].replace("Z", "+00:00")).timestamp()) for f in lines]

    def right(self, name, states, *options):
        tape, want = self.feed(name, states)
        got = self.times(tape, *options)
        wrong = [(datetime.datetime.fromtimestamp(w, UTC).isoformat(), g - w) for g, w in zip(got, want) if g != w]
        self.assertEqual((len(got), wrong[:5], len(wrong)), (len(want), [], 0), name)
        return tape


class Found(Tapes):
    """The offset is found."""

    CHANGES = (("Europe/Berlin", 1), ("Europe/Berlin", 2), ("America/New_York", 1), ("America/New_York", 2),
               ("Australia/Lord_Howe", 1), ("Australia/Lord_Howe", 2), ("Pacific/Chatham", 2), ("America/St_Johns", 2))

    @unittest.skipUnless(have(*(c[0] for c in CHANGES)), "no database of time zones")
    def test_each_minute_around_a_change(self):
        for name, half in self.CHANGES:
            zone = zoneinfo.ZoneInfo(name)
            at = change_of(zone, 2026, half)
            for step, span in ((1, 1200), (60, 4 * 3600), (60, 12 * 86400)):
                if span > 86400 and name != "Europe/Berlin":
                    continue
                with self.subTest(zone=name, half=half, step=step, span=span):
                    self.right("%s-%d-%d-%d.tape" % (name.replace("/", "-"), half, step, span),
                               [self.state(zone, t, t + t % 3, t - (t - at) % 40) for t in range(at - span, at + span, step)])

    @unittest.skipUnless(have("Europe/Berlin"), "no database of time zones")
    def test_a_window_has_the_times_of_the_whole(self):
        zone = zoneinfo.ZoneInfo("Europe/Berlin")
        at = change_of(zone, 2026, 2)
        tape, want = self.feed("w.tape", [self.state(zone, t, source=1 + t // 60 % 3) for t in range(at - 86400, at + 86400, 60)])
        self.assertEqual(self.times(tape), want)
        for minute in range(-130, 130, 13):
            start = at + minute * 60
            for length in (60, 1200):
                got = self.times(tape, "--from", "@%d" % (start * S), "--to", "@%d" % ((start + length) * S))
                self.assertEqual(got, list(range(start, start + length, 60)), minute)
        got = self.times(tape, "--source", "2", "--from", "@%d" % ((at - 600) * S))
        self.assertEqual(got, [t for t in want if t >= at - 600 and t // 60 % 3 == 1])

    def test_late_events(self):
        """A burst after an outage, in the middle, first of all and last; and one late source."""
        zone = datetime.timezone(datetime.timedelta(hours=5, minutes=45))
        t0 = 1780000000
        live = list(range(t0, t0 + 7200, 5))
        outage = t0 + 3600
        for what, states in (
                ("middle", [self.state(zone, t, outage if outage - 3000 <= t < outage else t) for t in live]),
                ("first", [self.state(zone, t, t0) for t in range(t0 - 7200, t0, 60)] + [self.state(zone, t) for t in live]),
                ("once", [self.state(zone, t0 - 5000, t0 - 60)] + [self.state(zone, t) for t in live]),
                ("end", [self.state(zone, t, max(t, live[-1] + 4000) if t > outage else t) for t in live]),
                ("source", [self.state(zone, t - 2700 if t % 10 else t, t, source=1 + t % 10) for t in live])):
            self.right(what + ".tape", states)

    def test_without_user_time(self):
        """The newest states show the offset; parked devices do not."""
        t0 = 1780000000
        for minutes in (-570, -60, 0, 330, 840):
            zone = datetime.timezone(datetime.timedelta(minutes=minutes))
            states = [self.state(zone, t, t, t - t % 37, 1, False) for t in range(t0, t0 + 1800, 10)]
            states += [self.state(zone, t, t, t0 - 3600 * 7 - 11, 2, False) for t in range(t0 - 60, t0 + 1800, 30)]
            self.right("u%d.tape" % minutes, states)

    def test_without_any_clue_it_is_utc(self):
        t0 = 1780000000
        zone = datetime.timezone(datetime.timedelta(hours=3))
        tape, want = self.feed("n.tape", [self.state(zone, t, t, t0 - 8000, 1, False) for t in range(t0, t0 + 600, 10)])
        self.assertEqual(self.times(tape), [t + 3 * 3600 for t in want])


class Shown(Tapes):
    """evtape info."""

    def info(self, tape, words):
        lines = [line[12:] for line in self.out("info", tape).decode().splitlines() if line.startswith("feed zone   ")]
        self.assertEqual(lines, words)
        return self.json("info", "--json", tape)["feed_zone"]

    def test_an_offset(self):
        zone = datetime.timezone(datetime.timedelta(hours=-3, minutes=-30))
        t0 = 1780000000
        tape, _ = self.feed("i.tape", [self.state(zone, t) for t in range(t0, t0 + 600, 10)])
        self.assertEqual(self.info(tape, ["UTC-03:30 (found from user_time)"]),
                         {"first": "-03:30", "last": "-03:30", "found_from": "user_time"})
        tape, _ = self.feed("u.tape", [self.state(zone, t, user_time=False) for t in range(t0, t0 + 600, 10)])
        self.assertEqual(self.info(tape, ["UTC-03:30 (found from last_update)"])["found_from"], "last_update")

    @unittest.skipUnless(have("Europe/Berlin"), "no database of time zones")
    def test_a_change(self):
        zone = zoneinfo.ZoneInfo("Europe/Berlin")
        at = change_of(zone, 2026, 2)
        tape, _ = self.feed("c.tape", [self.state(zone, t) for t in range(at - 3600, at + 3600, 60)])
        self.assertEqual(self.info(tape, ["UTC+02:00, at the end UTC+01:00 (found from user_time)"]),
                         {"first": "+02:00", "last": "+01:00", "found_from": "user_time"})

    def test_none(self):
        t0 = 1780000000
        tape, _ = self.feed("n.tape", [self.state(UTC, t, t, t0 - 8000, 1, False) for t in range(t0, t0 + 600, 10)])
        self.assertEqual(self.info(tape, ["not found: local times in frames are taken for UTC"]),
                         {"first": None, "last": None, "found_from": None})
        self.assertIsNone(self.info(self.states(), []))
        self.assertIsNone(self.info(self.make("e.tape", []), []))


class Given(Tapes):
    """--feed-zone."""

    @unittest.skipUnless(have("America/Santiago"), "no database of time zones")
    def test_a_name_is_right_for_old_times_too(self):
        zone = zoneinfo.ZoneInfo("America/Santiago")
        at = change_of(zone, 2026, 1)
        states = [self.state(zone, t, t, t - 40 * 86400) for t in range(at - 7200, at + 7200, 60)]
        self.right("s.tape", states, "--feed-zone", "America/Santiago")
        self.right("r.tape", [self.state(zone, t) for t in range(at - 7200, at + 7200, 60)], "--feed-zone", "America/Santiago")

    def test_every_command_takes_it(self):
        zone = datetime.timezone(datetime.timedelta(hours=-7))
        t0 = 1780000000
        tape, _ = self.feed("c.tape", [self.state(zone, t, t, t - 5, 1, False) for t in range(t0, t0 + 60, 30)])
        stats = self.json("stats", "--json", "--feed-zone", "-07:00", tape)
        self.assertEqual(stats["sources"][0]["stale_ns"]["max"], 5 * S + S // 2)
        want = datetime.datetime.fromtimestamp(t0 - 5, UTC).strftime("%Y-%m-%dT%H:%M:%SZ").encode()
        for what in ("gpx", "kml", "geojson"):
            self.assertIn(want, self.out("export", what, "--feed-zone", "-07", tape), what)
            self.fails(2, "no time zone 'Nowhere'; write UTC", "export", what, "--feed-zone", "Nowhere", tape)
        self.fails(2, "no time zone", "stats", "--feed-zone", "25", tape)
        for command in (["export", "csv"], ["cat", "-f", "csv"]):
            rows = self.out(*command, "--fields", "source,own_time", "--feed-zone", "-07:00", tape).splitlines()
            self.assertEqual(rows[:2], [b"source,own_time", b"1," + want])
            self.fails(2, "only own_time converts", *command, "--fields", "source", "--feed-zone", "-07:00", tape)
        self.assertEqual(len(self.json_lines("find", "--json", "--feed-zone", "-07:00", tape, "late > 5 s")), 2)
        self.assertEqual(len(self.json_lines("find", "--json", "--feed-zone", "-06:00", tape, "late > 59m")), 2)
        self.fails(2, "no time zone 'Nowhere'", "find", "--feed-zone", "Nowhere", tape, "late > 6 s")
        path = self.path("f.db")
        self.out("export", "sqlite", "--column", "own_time", "--feed-zone", "-07:00", tape, "-o", path)
        with contextlib.closing(sqlite3.connect(path)) as db:
            self.assertEqual(db.execute("SELECT own_time FROM frames ORDER BY seq LIMIT 1").fetchone(), (want.decode(),))
        self.fails(2, "without --column own_time", "export", "sqlite", "--feed-zone", "-07:00", tape, "-o", path)
        self.fails(2, "only geojson and csv convert", "cat", "--feed-zone", "UTC", tape)


if __name__ == "__main__":
    unittest.main()
