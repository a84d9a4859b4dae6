"""Whether a tape of a hundred times the frames takes more."""

import math
import shutil

import parts_read
import parts_record
import parts_replay
from measure import program, run


def _ingest(bench, frames):
    tape, peak = bench.path("growth.tape"), []

    def once():
        shutil.rmtree(tape, True)
        done = run([program("evtape-record"), "-", "-o", tape, "-q"], feed=["cat", *bench.inputs.pieces(frames, 1000)])
        peak.append(done.memory / 2**20)
        return done.seconds * 1e6 / frames
    took = [once() for _ in range(bench.table.pairs)]
    parts_record.check_whole(tape, frames)
    played = [run(parts_replay.replay(tape)).memory / 2**20 for _ in range(bench.table.pairs)]
    shutil.rmtree(tape)
    return took, peak, played


def growth(bench):
    """Each series must be flat, or grow as the logarithm of the frames at most."""
    series = {"ingest, us a frame": [], "open (info), ms": [], "seek, first frame, ms": [],
              "memory of the recorder, MiB": [], "memory of the replayer, MiB": []}
    for frames in bench.growth:
        took, peak, played = _ingest(bench, frames)
        points = (took, parts_read.info_ms(bench, bench.inputs.hours(frames, 1000)),
                  parts_read.first_frames(bench, frames), peak, played)
        for (name, of), values in zip(series.items(), points):
            key, unit = name.rsplit(", ", 1)
            s = bench.table.figure("growth_%s_%d" % (key.split(" ", 1)[0] + key[-8:].replace(" ", "_"), frames),
                                   "growth, %s frames: %s" % (format(frames, ","), key), values, unit)
            of.append((frames, s["median"]))
    first, last = bench.growth[0], bench.growth[-1]
    if first < last:
        for name, of in series.items():
            bench.table.figure("grown_" + name, "growth, %s to %s frames: %s, times" % (
                format(first, ","), format(last, ","), name.rsplit(", ", 1)[0]), [of[-1][1] / of[0][1]], "x",
                               ("most", math.log(last) / math.log(first)))
    bench.growth_series = series
