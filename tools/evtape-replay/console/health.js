// Age and health: sources that are silent for longer than their rhythm, and of a tape that
// is being recorded, how the recorder is connected and how old the last frame is.

import { get } from "./api.js";
import { model, on, emit, statusOf } from "./model.js";
import { redraw } from "./draw.js";
import { age, clock, span, ms } from "./times.js";
import { notice } from "./deck.js";

/** A source is silent after so many of its usual intervals, and no sooner than this. */
const TIMES = 4, LEAST = 60000;
/** After so long, if it has spoken too little to have a rhythm. */
const UNKNOWN = 3600000, FEW = 3;
/** Between two looks at the intervals of a tape that grows. */
const AGAIN = 30000;

const box = document.getElementById("recorder");

/** Key of a source -> after how many milliseconds it is silent. */
const limits = new Map();

model.isSilent = (s, at) => s.t !== null && at - s.t > (limits.get(s.key) ?? UNKNOWN);

function judge() {
	let changed = false;
	for (const s of model.sources.values()) {
		const status = statusOf(s);
		changed = changed || status !== s.status;
		s.status = status;
	}
	if (changed) {
		redraw("sources", "map");
		emit("statuses");
	}
}

let asked = 0;
async function learn() {
	asked = performance.now();
	try {
		const { sources } = await get("intervals");
		limits.clear();
		for (const s of sources)
			if (s.frames >= FEW)
				limits.set(String(s.id), Math.max(LEAST, TIMES * ms(s.interval_ns)));
		judge();
	} catch (e) {
		// Then they count as unknown.
	}
}

// ---- the recorder -----------------------------------------------------------------

/** It was recording while this page was open. */
let seen = false;

/** What the tape's marks say of the recorder: { state, since }. */
function recorder() {
	const marks = model.marks.filter((m) => ["started", "stopped", "connected", "disconnected"].includes(m.mark));
	const last = marks[marks.length - 1];
	if (!model.tape.live)
		return { state: "stopped", since: last && last.mark === "stopped" ? last.t : null };
	// A tape of lines has no connections.
	if (!last || last.mark === "stopped" || (last.mark === "started" && !last.url))
		return { state: "recording", since: null };
	if (last.mark === "connected")
		return { state: "connected", since: last.t };
	return { state: last.mark === "started" ? "connecting" : "reconnecting", since: last.t, reason: last.reason };
}

function draw() {
	const live = Boolean(model.tape && model.tape.live);
	seen = seen || live;
	box.hidden = !seen;
	if (!seen)
		return;
	const { state, since, reason } = recorder();
	const last = model.last ? ", last frame " + age(Math.max(0, Date.now() - model.last)) + " ago" : "";
	const text = "Recorder " + state + (since === null ? "" : " since " + clock(since)) + last;
	if (box.dataset.state !== state)
		box.dataset.state = state;
	if (box.textContent !== text)
		box.textContent = text;
	box.title = text + (reason ? " (" + reason + ")" : "");
}

/** The number of gaps that were known. null: none was read yet. */
let gaps = null;
function noteGaps() {
	const before = gaps;
	gaps = model.gaps.length;
	draw();
	if (before === null || gaps <= before || !model.follow)
		return;
	const g = model.gaps.reduce((a, b) => (b.to > a.to ? b : a));
	notice("Gap: " + span(Math.max(0, g.to - g.from)) + " missing until " + clock(g.to) + (g.reason ? ": " + g.reason : ""));
}

export function start() {
	on("began", learn);
	on("states", judge);
	on("gaps", noteGaps);
	on("tape marks grown follow zone", draw);
	setInterval(() => {
		draw();
		judge();
		if (model.tape && model.tape.live && asked && performance.now() - asked > AGAIN)
			learn();
	}, 1000);
}
