"""The account of a recording: every state that the simulator made is on the
tape once and in order, or missing at a gap mark, and what is missing is what
the simulator did not deliver.

The simulator numbers the states as it makes them ("serial") and says for each
client which it queued, which it wrote, and which the client's TCP had
acknowledged (its ledger). The tape is read as it is recorded, so that frames
count that the ring drops later.
"""

import re

LINE = re.compile(rb'{"seq":(\d+),.*?"connection":(\d+),"kind":"(received|sent|mark)"')
MARK = re.compile(rb'"mark":"(\w+)"')
SERIAL = re.compile(rb'"serial":(\d+)}}$')
REASON = re.compile(rb'"reason":"([^"]*)"')


class Account:
    """Reads envelopes in the order of the tape, then compares."""

    def __init__(self):
        self.next_seq = 1
        self.states = 0      # numbered states on the tape
        self.last = 0        # the serial of the last one
        self.connection = None
        self.runs = []       # [connection, first serial, last serial], unbroken
        self.gaps = []       # {"seq", "reason", "missing": (first, last) or None}
        self.waiting = []    # gap marks since the last state
        self.wrong = []      # in words; the first hundred
        self.twice = 0
        self.unmarked = 0    # states that are missing where no mark is
        self.stopped = False

    def complain(self, text):
        if len(self.wrong) < 100:
            self.wrong.append(text)

    def line(self, raw):
        """Take an envelope."""
        m = LINE.match(raw)
        if not m:
            self.complain("this is no envelope: %r" % raw[:100])
            return
        seq = int(m.group(1))
        if seq != self.next_seq:
            self.complain("frame %d follows frame %d: the reader of the tape missed some" % (seq, self.next_seq - 1))
        self.next_seq = seq + 1
        if m.group(3) == b"received":
            serial = SERIAL.search(raw, len(raw) - 40)
            if serial:
                self.state(seq, int(m.group(2)), int(serial.group(1)))
        elif m.group(3) == b"mark":
            self.mark(seq, raw)

    def mark(self, seq, raw):
        kind = MARK.search(raw).group(1)
        if kind == b"gap":
            reason = REASON.search(raw)
            self.gaps.append({"seq": seq, "reason": reason.group(1).decode() if reason else "", "missing": None})
            self.waiting.append(self.gaps[-1])
        self.stopped = kind == b"stopped"

    def state(self, seq, connection, serial):
        self.states += 1
        if serial <= self.last:
            self.twice += 1
            self.complain("frame %d: state %d comes behind state %d" % (seq, serial, self.last))
            return
        missing = (self.last + 1, serial - 1)
        if missing[0] <= missing[1]:
            self.miss(seq, missing)
        elif self.runs and connection == self.connection and not self.waiting:
            self.runs[-1][2] = serial
            self.last = serial
            return
        self.waiting = []
        self.connection = connection
        self.last = serial
        self.runs.append([connection, serial, serial])

    def miss(self, seq, missing):
        if not self.waiting:
            self.unmarked += missing[1] - missing[0] + 1
            self.complain("before frame %d the states %d to %d are missing, and no gap mark is there" % (seq, *missing))
        for gap in self.waiting:
            gap["missing"] = missing

    # ---- against the ledger ----

    def settle(self, ledger):
        """Compare with the simulator's ledger (parsed lines); returns the result."""
        made = [x["made"] for x in ledger if "made" in x]
        clients = sorted((x for x in ledger if x.get("first")), key=lambda x: x["first"])
        if len(made) != 1:
            self.complain("the simulator did not say how many states it made")
            return None
        ends = self.ends()
        sums = {"made": made[0], "on_tape": self.states, "missing": made[0] - self.states + self.twice,
                "unmarked": self.unmarked, "twice": self.twice, "gaps": len(self.gaps),
                "gaps_of_nothing": sum(g["missing"] is None for g in self.gaps),
                "connections": len(clients), "not_sent": 0, "not_written": 0, "not_acknowledged": 0,
                "acknowledged_but_missing": 0, "after_the_end": 0, "not_known": 0}
        before = 0
        for client in clients:
            if client["first"] <= before:
                self.complain("the simulator had two clients at a time, from state %d on" % client["first"])
            sums["not_sent"] += client["first"] - 1 - before
            before = max(before, client["queued"])
            self.settle_client(client, ends, sums, client is clients[-1])
        sums["not_sent"] += made[0] - before
        for first, (last, _) in ends.items():
            if not any(c["first"] == first for c in clients):
                self.complain("the states %d to %d are on the tape, but the simulator sent them to nobody" % (first, last))
        if sums["missing"] != sum(sums[k] for k in ("not_sent", "not_written", "not_acknowledged",
                                                    "acknowledged_but_missing", "after_the_end")):
            self.complain("the sums do not add up: %r" % sums)
        if not self.stopped:
            self.complain("the tape does not end with the mark of a recorder that stopped")
        return sums

    def ends(self):
        """first serial -> (last serial, connection) of each connection."""
        ends, seen = {}, {}
        for connection, first, last in self.runs:
            first = seen.setdefault(connection, first)
            ends[first] = (last, connection)
        return ends

    def settle_client(self, client, ends, sums, is_last):
        """The states that were sent to one client, and which of them are on the tape."""
        first, written, taken = client["first"], max(client["written"], client["first"] - 1), \
            max(client["taken"], client["first"] - 1)
        last, _ = ends.get(first, (first - 1, None))
        sums["not_known"] += written - taken
        if last > written:
            self.complain("state %d is on the tape, but the simulator wrote no further than %d" % (last, written))
        if is_last and client["ended"] == "left":
            # The recorder was stopped: later states do not count.
            sums["after_the_end"] += client["queued"] - last
            return
        sums["not_written"] += client["queued"] - written
        sums["not_acknowledged"] += max(written - max(taken, last), 0)
        least = written if client["ended"] == "closed" else taken
        if last < least:
            sums["acknowledged_but_missing"] += max(taken - last, 0)
            self.complain("the recorder's system had the states up to %d (%s), the tape ends at %d" % (
                least, client["ended"], last))
