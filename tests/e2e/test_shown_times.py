"""--zone: what people type and read is in their zone, and data stays in UTC. The judge is
Python's zoneinfo."""

import datetime
import json
import os
import re
import unittest
import zoneinfo

import evtest
import tooltest
from tooltest import S, T0

UTC = datetime.timezone.utc
STAMP = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(Z|[+-]\d\d:\d\d)?")


def local(ns, zone, digits=3):
    """A time as it is shown."""
    at = datetime.datetime.fromtimestamp(ns // S, UTC).astimezone(zoneinfo.ZoneInfo(zone))
    fraction = ".%09d" % (ns % S)
    return at.strftime("%Y-%m-%dT%H:%M:%S") + (fraction[:digits + 1] if digits else "") + at.isoformat()[-6:]


class Zones(tooltest.Case):
    ZONES = ("Europe/Berlin", "America/St_Johns", "Asia/Kathmandu", "Australia/Lord_Howe")

    def tape(self, name="a.tape", user_time=None):
        lines = []
        for i in range(5):
            data = {"source_id": 1, "label": "Van 1"}
            state = {"event": "state", "data": data}
            if user_time is not None:
                sent = datetime.datetime.fromtimestamp(T0 // S + i * 60 + user_time * 3600, UTC)
                state["user_time"] = sent.strftime("%Y-%m-%d %H:%M:%S")
            lines.append("%d received 1 1 %s" % (T0 + i * 60 * S, json.dumps(state)))
        return self.make(name, lines)

    def commands(self, tape):
        evtest.run("evtape", "mark", tape, "here", "--at", "+1m")
        return (["info", tape], ["ls", tape], ["stats", tape], ["mark", "--list", tape], ["find", tape, "source = 1"],
                ["find", tape, "silent > 10s"])

    def test_what_is_shown(self):
        """Each time that is shown has its zone, which is the one that was chosen."""
        tape = self.tape()
        for command in self.commands(tape):
            plain = evtest.run("evtape", *command)
            for zone in self.ZONES:
                done = evtest.run("evtape", *command, "--zone", zone)
                with self.subTest(" ".join(command[:1]) + " " + zone):
                    found = STAMP.findall((done.stdout + done.stderr).decode())
                    self.assertTrue(found or command[0] == "stats", done.stdout)
                    self.assertEqual(set(found) - {local(T0, zone)[-6:]}, set())
                    for a, b in zip(STAMP.finditer(plain.stdout.decode()), STAMP.finditer(done.stdout.decode())):
                        self.assertEqual(a.group(1), "Z")
                        self.assertEqual(datetime.datetime.fromisoformat(a.group().replace("Z", "+00:00")),
                                         datetime.datetime.fromisoformat(b.group()))
                by_env = evtest.run("evtape", *command, env=dict(os.environ, EVTAPE_ZONE=zone))
                self.assertEqual((by_env.stdout, by_env.stderr), (done.stdout, done.stderr))

    def test_data_stays_in_utc(self):
        tape = self.tape()
        for command in (["info", "--json"], ["ls", "--json"], ["stats", "--json"], ["cat"], ["export", "csv"], ["export", "gpx"],
                        ["cat", "--format", "envelopes"]):
            with self.subTest(" ".join(command)):
                plain = evtest.run("evtape", *command, tape, check=None)
                done = evtest.run("evtape", *command, tape, check=None, env=dict(os.environ, EVTAPE_ZONE="Asia/Kathmandu"))
                self.assertEqual(done.stdout, plain.stdout)

    def test_what_is_typed(self):
        tape = self.tape()
        want = self.out("cat", "--from", "@%d" % (T0 + 60 * S), tape)
        self.assertEqual(len(want.splitlines()), 4)
        for zone in self.ZONES:
            at = local(T0 + 60 * S, zone, 0)
            for text in (at, at[:19], at[:19].replace("T", " "), at[11:19]):
                self.assertEqual(self.out("cat", "--zone", zone, "--from", text, tape), want, text)
            done = evtest.run("evtape", "cat", "--zone", zone, "--from", "2050-01-01", tape)
            self.assertIn(b"no frames found from 2050-01-01T00:00:00.000", done.stderr)
            self.assertIn(local(T0, zone).encode(), done.stderr)

    def test_the_zone_of_the_feed(self):
        ahead = self.tape("feed.tape", user_time=3)
        shown = evtest.run("evtape", "ls", "--zone", "feed", ahead).stdout.decode()
        self.assertEqual({m.group(1) for m in STAMP.finditer(shown)}, {"+03:00"})
        at = datetime.datetime.fromtimestamp(T0 // S + 60 + 3 * 3600, UTC).strftime("%Y-%m-%d %H:%M:%S")
        self.assertEqual(len(self.out("cat", "--zone", "feed", "--from", at, ahead).splitlines()), 4)
        plain = self.tape("plain.tape")
        self.fails(1, "--zone feed: the offset of the feed's times is not known", "ls", "--zone", "feed", plain)
        # The environment is for all tapes.
        done = evtest.run("evtape", "ls", plain, env=dict(os.environ, EVTAPE_ZONE="feed"))
        self.assertEqual(done.stdout, self.out("ls", plain))

    def test_the_window_as_it_was_understood(self):
        """--verbose shows it, and so does what finds nothing, also on an empty tape."""
        tape = self.tape()
        window = "from 2023-11-14T23:14:20.000+01:00 to 2023-11-14T23:15:20.000+01:00"
        options = ["--zone", "Europe/Berlin", "--from", "+1m", "--for", "1m"]
        for command in (["cat"], ["stats"], ["find"], ["export", "csv"], ["export", "gpx"]):
            expression = ["source = 1"] if command == ["find"] else []
            done = evtest.run("evtape", *command, "-v", *options, tape, *expression)
            self.assertIn(("selected: " + window).encode(), done.stderr, command)
        done = evtest.run("evtape-replay", "-v", "--speed", "max", *options, tape)
        self.assertIn(("selected: " + window).encode(), done.stderr)
        empty = self.make("empty.tape", [])
        for path in (tape, empty):
            done = evtest.run("evtape", "cat", "--from", "2050-01-01", "--zone", "Europe/Berlin", path)
            self.assertIn(b"no frames found from 2050-01-01T00:00:00.000+01:00 to the end", done.stderr)
        self.fails(2, "a relative time needs a tape with frames", "cat", "--from", "+1s", empty)
        self.fails(2, "a time of day needs a tape with frames", "cat", "--from", "10:00", empty)
        self.fails(2, "option --for: it must be more than 0", "cat", "--from", "+1s", "--for", "0", tape)

    def test_a_day_of_a_folder(self):
        """A day is that of the zone, where it is as long as it is there."""
        folder = self.path("folder")
        os.mkdir(folder)
        for i, hour in enumerate((22, 23, 46, 47)):
            at = int(datetime.datetime(2026, 10, 24, tzinfo=UTC).timestamp()) + hour * 3600
            self.make("folder/%d.tape" % i, ["%d received 1 1 {}" % (at * S)])
        done = evtest.run("evtape", "info", "--zone", "Europe/Berlin", "--day", "2026-10-25", "--json", folder)
        self.assertEqual([name in done.stdout.decode() for name in ("0.tape", "1.tape", "2.tape", "3.tape")],
                         [True, True, True, False])

    def test_no_such_zone(self):
        tape = self.tape()
        for name in ("Mars/Olympus", "", "+99:00", "/etc/passwd", "../../etc/passwd"):
            self.fails(2, "option --zone: no time zone", "info", "--zone", name, tape)
        done = evtest.run("evtape", "info", tape, env=dict(os.environ, EVTAPE_ZONE="Mars/Olympus"), check=1)
        self.assertRegex(done.stderr, rb"^evtape info: EVTAPE_ZONE: no time zone 'Mars/Olympus'[^\n]*\n$")


if __name__ == "__main__":
    unittest.main()
