"""evtape-sim --ledger: its figures about the generated states agree with what its
clients received."""

import asyncio
import json
import socket

import evtest
from simcase import STATES, SimCase, new


def serials(frames):
    """The numbers of the states in text frames (fin, opcode, payload)."""
    return [f["serial"] for f in (json.loads(p) for _, op, p in frames if op == 1) if "serial" in f]


class Ledger(SimCase):
    def ledger(self):
        """The content of the file: the clients' lines, and the number of states."""
        with open(self.path("ledger"), encoding="ascii") as f:
            said = [json.loads(line) for line in f]
        return said[:-1], said[-1]["made"]

    def subscribe(self, url):
        raw = self.raw(url)
        raw.send(new(STATES))
        return raw

    async def test_resets(self):
        url = self.sim("--trackers", 5, "--rate", 1000, "--ledger", self.path("ledger"), "--drop-after", 50)
        seen = []
        for _ in range(3):
            got, end = await asyncio.to_thread(self.subscribe(url).all)
            self.assertEqual((len(got), end), (50, "reset"))
            seen.append(serials(got))
        self.proc.finish(evtest.SIGTERM)
        clients, made = self.ledger()
        self.assertEqual([c["ended"] for c in clients], ["reset"] * 3)
        for c, s in zip(clients, seen):
            # An answer, five states as they were, and these.
            self.assertEqual(len(s), 44)
            self.assertEqual(s, list(range(c["first"], c["queued"] + 1)))
            self.assertEqual(c["written"], c["queued"])
            self.assertLessEqual(c["taken"], c["written"])
        self.assertGreater(clients[1]["first"], clients[0]["queued"])
        self.assertGreaterEqual(made, clients[2]["queued"])

    async def test_a_polite_end(self):
        url = self.sim("--trackers", 5, "--rate", 5000, "--frames", 500, "--once", "--ledger", self.path("ledger"))
        got, _ = await asyncio.to_thread(self.subscribe(url).all)
        self.proc.finish()
        self.assertEqual(serials(got), list(range(1, 501)))
        clients, made = self.ledger()
        self.assertEqual(made, 500)
        self.assertEqual(len(clients), 1)
        self.assertEqual(clients[0]["ended"], "closed")
        self.assertEqual((clients[0]["first"], clients[0]["written"]), (1, 500))

    async def test_what_was_written_and_not_taken(self):
        """A client that does not read: its system takes some, the rest is known
        to be missing."""
        url = self.sim("--rate", 20000, "--wait-clients", 1, "--client-buffer", "64k",
                       "--ledger", self.path("ledger"))
        raw = self.raw(url)
        raw.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        raw.send(new(STATES))
        self.proc.wait_for(rb"client 1 dropped: it does not read")
        got, end = await asyncio.to_thread(raw.all)
        self.assertEqual(end, "reset")
        self.proc.finish(evtest.SIGTERM)
        (client,), made = self.ledger()
        seen = serials(got)
        self.assertEqual(client["ended"], "reset")
        self.assertLess(client["taken"], client["written"])
        self.assertLess(client["written"], client["queued"])
        self.assertLessEqual(client["queued"], made)
        self.assertEqual(seen, list(range(1, len(seen) + 1)))
        # At least the bytes that its TCP had acknowledged, at most the written ones.
        self.assertGreaterEqual(len(seen), client["taken"])
        self.assertLessEqual(len(seen), client["written"])

    async def test_each_third_drop_is_polite(self):
        url = self.sim("--trackers", 5, "--rate", 1000, "--ledger", self.path("ledger"), "--drop-every", "300ms",
                       "--drop-politely", 3)
        ends = []
        for _ in range(3):
            got, end = await asyncio.to_thread(self.subscribe(url).all)
            ends.append((end, got[-1][1:] if end == "eof" else None))
        self.proc.finish(evtest.SIGTERM)
        polite = [e for e in ends if e[0] == "eof"]
        self.assertEqual(polite, [("eof", (8, b"\x03\xf4"))], ends)  # 1012
        self.assertEqual(sorted(c["ended"] for c in self.ledger()[0]), ["closed", "reset", "reset"])

    async def test_usage(self):
        done = evtest.run("evtape-sim", "--drop-politely", 2, check=2)
        self.assertIn(b"--drop-politely needs --drop-every", done.stderr)
        for other in (["--replay-lines", "-"], ["--generate", "5"]):
            done = evtest.run("evtape-sim", "--ledger", self.path("ledger"), *other, check=2)
            self.assertIn(b"%s and --ledger exclude each other" % other[0].encode(), done.stderr)


if __name__ == "__main__":
    evtest.unittest.main()
