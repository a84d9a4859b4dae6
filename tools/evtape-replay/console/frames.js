// The list of played frames, newest first, and what each one changed.

import { get } from "./api.js";
import { model, on, now, select, chosenIds, idOf } from "./model.js";
import { part, redraw } from "./draw.js";
import { clock, rfc3339, ms, bytes, count } from "./times.js";
import { eventColour, eventName } from "./timeline.js";
import { written } from "./ids.js";
import { changes, pretty } from "./json.js";
import { seek } from "./deck.js";
import * as charts from "./charts.js";
import { glance, pinButton } from "./glance.js";
import { WAYS, copy, copyButtons } from "./copy.js";

const MOST = 500;
/** How many items keep their last value, to show what changed. */
const KNOWN = 5000;
/** Of more sources than these, the frames of all are read: an address has an end. */
const NAMED = 200;

const list = document.getElementById("frames");
const held = document.getElementById("frames-held");
const skippedBox = document.getElementById("frames-skipped");
const of = document.getElementById("frames-of");
const none = document.getElementById("frames-none");

/** Frames that are not yet in the page, oldest first. */
let waiting = [];
let skipped = 0;
/** "event source" -> its last value. A Map keeps the order of insertion: the
 * first is what was not heard of for the longest time. */
const last = new Map();

/** The parts of a payload that each speak of one source, as
 * [path, key, value]; a frame of one source is one part. */
function items(frame) {
	const p = frame.payload;
	const event = frame.event ?? "";
	// A mark is about the recording: there is nothing to compare it with.
	if (p === null || typeof p !== "object" || frame.kind === "mark")
		return [];
	if (Array.isArray(p.data)) {
		const out = [];
		p.data.forEach((v, i) => {
			const id = v && (v.source_id ?? (v.state && v.state.source_id) ?? v.tracker_id);
			if (id !== undefined && id !== null)
				out.push(["/data/" + i, event + " " + id, v]);
		});
		if (out.length)
			return out;
	}
	return [["", event + " " + (frame.sources || []).join(","), p]];
}

/** Remember the values of a frame; returns the values before it, per part. */
function note(frame) {
	return items(frame).map(([path, key, value]) => {
		const before = last.get(key);
		last.delete(key);
		last.set(key, value);
		if (last.size > KNOWN)
			last.delete(last.keys().next().value);
		return { path, value, before };
	});
}

function changesOf(entry) {
	if (!entry.changed) {
		entry.changed = new Map();
		for (const p of entry.parts)
			if (p.before !== undefined)
				changes(p.value, p.before, p.path, entry.changed);
	}
	return entry.changed;
}

const wanted = (frame) => !model.chosen.size || (frame.sources || []).some((id) => model.chosen.has(String(id)));

function take(frames) {
	for (const frame of frames) {
		const parts = note(frame);
		if (wanted(frame))
			waiting.push({ frame, parts, changed: null });
	}
	if (waiting.length > MOST) {
		skipped += waiting.length - MOST;
		waiting.splice(0, waiting.length - MOST);
	}
	redraw("frames");
}

function text(frame) {
	if (frame.payload !== undefined)
		return null;
	if (frame.payload_text !== undefined)
		return frame.payload_text;
	return "base64: " + (frame.payload_base64 ?? "");
}

/** What its row shows. */
function what(entry) {
	const plain = text(entry.frame);
	return plain !== null ? plain.slice(0, 80) : glance(entry, () => changesOf(entry));
}

function nameOf(frame) {
	const ids = frame.sources || [];
	if (!ids.length)
		return "";
	const s = model.sources.get(String(ids[0]));
	return (s ? s.name : String(ids[0])) + (ids.length > 1 ? " +" + (ids.length - 1) : "");
}

function cell(name, value) {
	const el = document.createElement("span");
	el.className = name;
	el.textContent = value;
	return el;
}

/** Row -> its entry. */
const shown = new WeakMap();

function say(row) {
	const box = row.querySelector("summary .what");
	box.textContent = box.title = what(shown.get(row));
}

function makeRow(entry) {
	const { frame } = entry;
	const row = document.createElement("details");
	row.className = "frame";
	row.setAttribute("aria-label", "Frame " + frame.seq);
	row.dataset.seq = frame.seq;
	if (frame.sources && frame.sources.length)
		row.dataset.of = frame.sources[0];
	const head = document.createElement("summary");
	const dot = cell("dot", "");
	dot.style.background = eventColour(frame.event ?? null);
	head.append(cell("at", clock(ms(frame.time_ns))), dot, cell("event", frame.event ?? (frame.mark || eventName(null))),
		cell("who", nameOf(frame)), cell("what", ""));
	row.append(head);
	shown.set(row, entry);
	say(row);
	// The body is made when the row is opened, and removed when it is closed.
	row.addEventListener("toggle", () => {
		if (!row.open) {
			row.lastChild.remove();
			release();
			return;
		}
		row.append(body(entry));
	});
	return row;
}

function body(entry) {
	const { frame } = entry;
	const box = document.createElement("div");
	box.className = "body";
	const tools = document.createElement("div");
	tools.className = "bar slim";
	tools.append(cell("dim num", "seq " + frame.seq + " · " + frame.kind + " · " + frame.opcode));
	const go = document.createElement("button");
	go.type = "button";
	go.textContent = "Go here";
	go.title = "Seek to " + frame.time;
	go.addEventListener("click", () => seek(frame.time));
	tools.append(go);
	if (frame.sources && frame.sources.length === 1) {
		const pick = document.createElement("button");
		pick.type = "button";
		pick.textContent = "Select source";
		pick.addEventListener("click", () => select(frame.sources[0]));
		tools.append(pick);
	}
	tools.append(...copyButtons(frame));
	box.append(tools);
	const plain = text(frame);
	if (plain !== null) {
		const pre = document.createElement("pre");
		pre.textContent = plain.length > 20000 ? plain.slice(0, 20000) + "… (" + bytes(plain.length) + ")" : plain;
		box.append(pre);
		return box;
	}
	if (!entry.parts.some((p) => p.before !== undefined) && entry.parts.length)
		box.append(cell("dim", "This is the first frame of its source in the list: nothing to compare with."));
	box.append(pretty(frame.payload, changesOf(entry), (path) => charts.add(charts.fieldOf(path, entry.parts)),
		frame.kind === "mark" ? null : (path) => pinButton(charts.fieldOf(path, entry.parts))));
	return box;
}

/** Text must not move away while the user reads it. */
const reading = () => list.scrollTop > 4 || list.querySelector("details[open]") !== null;

function release(force) {
	if (force) {
		list.querySelectorAll("details[open]").forEach((row) => {
			row.open = false;
		});
		list.scrollTop = 0;
	}
	redraw("frames");
}

function empty() {
	list.replaceChildren();
	waiting = [];
	skipped = 0;
}

function draw() {
	// A hidden panel is filled when it is shown.
	const hold = waiting.length > 0 && reading();
	held.hidden = !hold;
	if (hold) {
		held.textContent = count(waiting.length) + (waiting.length === MOST ? "+" : "") + " new";
	} else if (waiting.length) {
		const fresh = document.createDocumentFragment();
		for (let i = waiting.length - 1; i >= 0; i--)
			fresh.append(makeRow(waiting[i]));
		waiting = [];
		list.prepend(fresh);
		while (list.childElementCount > MOST)
			list.lastElementChild.remove();
	}
	none.hidden = list.childElementCount > 0 || waiting.length > 0;
	none.firstChild.textContent = model.chosen.size ? "None of the selected source before this time: press " : "Played frames appear here: press ";
	const note = skipped ? count(skipped) + " not shown" : "";
	if (skippedBox.textContent !== note)
		skippedBox.textContent = note;
}

/** What was played just before the deck's time: a seek shows more than an empty
 * list. The span is guessed from how many frames there are in a second. */
let aborter = null;
async function fillFrom() {
	if (aborter)
		aborter.abort();
	const mine = aborter = new AbortController();
	const ids = chosenIds(), at = now();
	empty();
	last.clear();
	of.textContent = ids.length ? "of " + ids.slice(0, 3).map((id) => model.sources.get(String(id))?.name ?? id).join(", ") +
		(ids.length > 3 ? " +" + (ids.length - 3) : "") : "";
	redraw("frames");
	if (!model.tape || !model.tape.frames || !model.deck)
		return;
	const { sources, events } = model.deck.filter;
	const named = ids.length ? ids : sources.map(idOf);
	const each = Math.max(1, model.last - model.first) / model.tape.frames * Math.max(1, ids.length ? model.tape.sources / ids.length : 1);
	let back = each * 60;
	try {
		for (let tries = 0; tries < 3; tries++) {
			const got = await get("frames", {
				from: rfc3339(Math.max(model.first, at - back)), to: rfc3339(at), limit: 200,
				source: named.length > NAMED ? null : named.map(written).join(",") || null, event: events.join(",") || null,
			}, mine.signal);
			if (got.more) {
				back /= 4;
				continue;
			}
			if (got.frames.length < 10 && tries < 2 && at - back > model.first) {
				back *= 8;
				continue;
			}
			const early = waiting;
			waiting = [];
			take(got.frames.slice(-100));
			waiting = waiting.concat(early);
			redraw("frames");
			return;
		}
	} catch (e) {
		// Then only frames played from now on are shown.
	}
}

export function start() {
	part("frames", draw);
	held.addEventListener("click", () => release(true));
	list.addEventListener("scroll", () => {
		if (waiting.length)
			redraw("frames");
	}, { passive: true });
	document.getElementById("frames-clear").addEventListener("click", () => {
		empty();
		redraw("frames");
	});
	on("frames", (message) => {
		skipped += message.skipped || 0;
		take(message.frames);
	});
	on("pins", () => {
		for (const row of list.children)
			say(row);
	});
	list.addEventListener("keydown", (e) => {
		const row = e.target.closest(".frame");
		const way = WAYS.find((w) => w.key === e.key), by = { ArrowDown: "nextElementSibling", ArrowUp: "previousElementSibling" }[e.key];
		if (!row || e.ctrlKey || e.metaKey || e.altKey)
			return;
		if (way) {
			e.preventDefault();
			copy(shown.get(row).frame, way);
		} else if (by && e.target.matches("summary")) {
			e.preventDefault();
			row[by]?.querySelector("summary").focus();
		}
	});
	let begun = false;
	on("began", () => {
		begun = true;
	});
	on("began chosen moved zone", () => begun && fillFrom());
}
