"""kill -9 of the recorder at random moments, again and again on one tape:
every frame that it had reported is there, to the byte and in order."""

import json
import os
import random
import re
import subprocess
import threading

import evtest

ROUNDS = 6


def line(turn, i):
    return b'{"event":"state","data":{"source_id":%d,"turn":%d,"i":%d,"text":"%s"}}' % (
        10001 + i % 50, turn, i, b"abcdefghij" * (i % 40))


def stored(tape):
    """Bytes of the segments."""
    return sum(e.stat().st_size for e in os.scandir(tape) if e.name.endswith(".zst"))


class Kill(evtest.Case):
    def feed(self, recorder, turn, stop):
        """Write lines until told to stop, or the recorder is dead."""
        i = 0
        try:
            while not stop.wait(0.01):  # a pace that the check can follow
                recorder.popen.stdin.write(b"".join(line(turn, k) + b"\n" for k in range(i, i + 200)))
                i += 200
        except (BrokenPipeError, ValueError):
            pass

    def one_round(self, tape, turn, moment):
        """Start it, kill it at some moment; the number of frames it reported."""
        recorder = self.start("evtape-record", "-", "-o", tape, "--json", "--segment-size", "200k",
                              "--block-size", "64k", "--sync", random.choice(("off", "0", "1s")),
                              stdin=subprocess.PIPE)
        stop = threading.Event()
        writer = threading.Thread(target=self.feed, args=(recorder, turn, stop))
        writer.start()
        recorder.wait_for(rb'"frames":[1-9]', "out")
        # Not a time but an amount of work: so much more on the tape.
        size = stored(tape) + moment.randrange(100000)
        self.wait_until("more on the tape", lambda: stored(tape) >= size)
        recorder.popen.kill()
        stop.set()
        try:
            recorder.popen.stdin.close()
        except BrokenPipeError:
            pass
        writer.join()
        recorder.finish(check=-9)
        return max(int(n) for n in re.findall(rb'"frames":(\d+)', recorder.out))

    def test_nothing_reported_is_lost(self):
        moment = random.Random(7)
        tape = self.path("k.tape")
        reported = [self.one_round(tape, turn, moment) for turn in range(ROUNDS)]
        self.assertTrue(evtest.info(tape)["unclosed"])
        evtest.run("evtape", "mark", tape, "closed")
        info = evtest.info(tape)
        self.assertFalse(info["unclosed"])
        self.assertEqual(info["journal_bytes"], 0)
        seen = {}
        seq = 0
        for raw in evtest.lines(evtest.run("evtape", "cat", tape).stdout):
            f = json.loads(raw)
            seq += 1
            self.assertEqual(f["seq"], seq)
            if f["kind"] != "received":
                continue
            data = f["payload"]["data"]
            n = seen.get(data["turn"], 0)
            self.assertEqual(raw[raw.index(b'"payload":') + 10:-1], line(data["turn"], n))
            seen[data["turn"]] = n + 1
        for turn, n in enumerate(reported):
            self.assertGreaterEqual(seen.get(turn, 0), n, "turn %d" % turn)
        self.assertEqual(info["marks"][-1]["payload"]["text"], "closed")


if __name__ == "__main__":
    evtest.unittest.main()
