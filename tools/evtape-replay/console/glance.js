// What the row of a frame shows: the values that the user pinned, otherwise those that
// changed, times last; and marks in words.

import { model, emit } from "./model.js";
import { parse, seconds, span, count } from "./times.js";
import { fieldOf } from "./charts.js";

const KEY = "evtape-pins";
const MOST = 8, SHOWN = 6;

/** Fields, as fieldOf() names them. */
let pins = [];

const isBranch = (v) => v !== null && typeof v === "object";
const own = (v, name) => (isBranch(v) && Object.hasOwn(v, name) ? v[name] : undefined);
const walk = (v, names) => names.reduce(own, v);

/** A field of a part, in a state and in an element of a batch alike; undefined: none. */
function valueOf(field, part, frame) {
	if (field.startsWith("/"))
		return walk(frame.payload, field.slice(1).split("/").map((n) => n.replace(/~0/g, "~")));
	const names = field.split("."), v = part.value;
	for (const base of [own(v, "state"), own(v, "data"), v]) {
		const found = walk(base, names);
		if (found !== undefined)
			return found;
	}
	return undefined;
}

const lastName = (field) => field.slice(Math.max(field.lastIndexOf("."), field.lastIndexOf("/")) + 1);

function short(v) {
	if (Array.isArray(v))
		return "[" + (v.length ? "…" + v.length : "") + "]";
	if (isBranch(v))
		return "{…}";
	const text = typeof v === "string" ? v : typeof v === "number" && !Number.isInteger(v) ? String(Number(v.toFixed(6))) : JSON.stringify(v);
	return text.length > 28 ? text.slice(0, 27) + "…" : text;
}

/** "speed 77, heading 210": a name that stands for two fields is longer. */
function pairs(fields) {
	const names = fields.map(([field]) => lastName(field));
	return fields.slice(0, SHOWN).map(([field, v], i) =>
		(names.filter((n) => n === names[i]).length > 1 ? field : names[i]) + " " + (v === undefined ? "gone" : short(v))).join(", ") +
		(fields.length > SHOWN ? ", …" : "");
}

const isTime = (field, v) => /(^|[._])(time|date|updated|update|timestamp|ts)$|_(at|time|update|ns|ms)$/i.test(field) ||
	(typeof v === "string" && /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d/.test(v));

const timesLast = (fields) => [...fields.filter((f) => !isTime(...f)), ...fields.filter((f) => isTime(...f))];

function leaves(v, path, out) {
	for (const [name, x] of Object.entries(v))
		if (isBranch(x) && !Array.isArray(x))
			leaves(x, path + "/" + name, out);
		else if (!Array.isArray(x))
			out.push([path + "/" + name, x]);
	return out;
}

const sourceOf = (v) => own(v, "source_id") ?? own(own(v, "state"), "source_id") ?? own(v, "tracker_id");

/** Of a batch: the part of a selected source, or the first one. */
const mainPart = (parts) => parts.find((p) => model.chosen.has(String(sourceOf(p.value)))) ?? parts[0];

function ofPart(entry, part, changes) {
	const { frame, parts } = entry;
	const named = (path) => fieldOf(path, parts);
	const pinned = pins.map((field) => [field, valueOf(field, part, frame)]).filter(([, v]) => v !== undefined);
	if (pinned.length)
		return pairs(pinned);
	if (part.before === undefined) {
		const skip = /(^|[./_])(id|type|event)$/;
		const all = isBranch(part.value) ? leaves(part.value, part.path, []).map(([path, v]) => [named(path), v]) : [];
		return pairs(timesLast(all.filter(([field]) => !skip.test(field))).slice(0, SHOWN));
	}
	const here = [...changes().keys()].filter((path) => !part.path || path.startsWith(part.path + "/"));
	const at = (path) => walk(frame.payload, path.slice(1).split("/"));
	return here.length ? "Δ " + pairs(timesLast(here.map((path) => [named(path), at(path)]))) : "no change";
}

/** A mark in words. */
function markWords(frame) {
	const m = isBranch(frame.payload) ? frame.payload : {};
	const from = parse(m.from), to = parse(m.to);
	if (frame.mark === "note")
		return m.removes === undefined ? String(m.text ?? "") : "removes the bookmark in frame " + m.removes;
	if (frame.mark === "gap") {
		const timed = from !== null && to !== null;
		return (timed ? span(Math.max(0, to - from)) + " missing" : "frames are missing") +
			(m.reason ? ": " + m.reason : "") + (typeof m.frames === "number" ? ", " + count(m.frames) + (m.frames === 1 ? " frame" : " frames") : "") +
			(timed ? ", " + seconds(from) + " to " + seconds(to) : "");
	}
	return Object.entries(m).filter(([name, v]) => name !== "mark" && v !== null && !isBranch(v)).slice(0, SHOWN)
		.map(([name, v]) => name + " " + short(v)).join(", ");
}

/** `changes`: a function that finds the changed paths of the entry. */
export function glance(entry, changes) {
	const { frame, parts } = entry;
	if (frame.kind === "mark")
		return markWords(frame);
	if (!parts.length)
		return short(frame.payload ?? null);
	const text = ofPart(entry, mainPart(parts), changes);
	return parts.length > 1 ? count(parts.length) + " parts: " + text : text;
}

// ---- pins -------------------------------------------------------------------------

function keep(fields) {
	pins = fields;
	try {
		localStorage.setItem(KEY, JSON.stringify(pins));
	} catch (e) {
		// Then they last as long as the page.
	}
	drawChips();
	emit("pins");
}

function toggle(field) {
	keep(pins.includes(field) ? pins.filter((f) => f !== field) : [...pins.slice(1 - MOST), field]);
}

/** Where they are listed, to be removed also when no frame has them. */
function drawChips() {
	document.getElementById("pins").replaceChildren(...pins.map((field) => {
		const chip = document.createElement("button");
		chip.type = "button";
		chip.className = "chip";
		chip.textContent = lastName(field) + " ×";
		chip.title = chip.ariaLabel = "Show " + field + " in rows no longer";
		chip.addEventListener("click", () => toggle(field));
		return chip;
	}));
}

/** The button of a value in an open frame. */
export function pinButton(field) {
	const out = document.createElement("button");
	out.type = "button";
	out.className = "pin";
	out.textContent = "pin";
	out.ariaLabel = out.title = "Show " + field + " in the rows";
	out.ariaPressed = pins.includes(field);
	out.addEventListener("click", () => {
		toggle(field);
		out.ariaPressed = pins.includes(field);
	});
	return out;
}

export function start() {
	try {
		const kept = JSON.parse(localStorage.getItem(KEY) || "[]");
		pins = Array.isArray(kept) ? kept.filter((f) => typeof f === "string").slice(0, MOST) : [];
	} catch (e) {
		pins = [];
	}
	drawChips();
}
