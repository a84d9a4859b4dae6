// Another tape beside the one that is played (--compare): its frames in a strip below
// the timeline, its sources on the map, and what differs, as `evtape diff` finds it.

import { get } from "./api.js";
import { model, on, emit, now, select, project } from "./model.js";
import { part, redraw, colour, fitCanvas } from "./draw.js";
import { clock, day, span, rfc3339, count, ms } from "./times.js";
import { seek } from "./deck.js";
import * as map from "./map.js";

const LIMIT = 1000;
/** How often its sources are read while the deck plays. */
const EVERY = 1000;
/** Positions that are this many pixels apart are joined by a line. */
const APART = 6;

const $ = (id) => document.getElementById(id);
const panel = $("compare-panel"), canvas = $("compare-bars"), strip = $("compare-strip");
const list = $("differences"), state = $("compare-state"), toggle = $("compare-show"), go = $("compare-go");

let shown = false, offset = 0, first = 0, last = 0;
let counts = null;
let sources = [], sourcesAt = null;
let differences = [], chosen = null, made = null;
let aborter = null;

const there = (t) => t + offset;

// ---- the strip of its frames ------------------------------------------------

let timer = 0, counting = null;
function ask() {
	if (!shown)
		return;
	clearTimeout(timer);
	timer = setTimeout(async () => {
		if (counting)
			counting.abort();
		const mine = counting = new AbortController();
		const from = Math.max(there(model.view.from), first), to = Math.min(there(model.view.to), last) + 1;
		counts = null;
		redraw("compare");
		if (from >= to)
			return;
		const buckets = Math.max(50, Math.min(1500, Math.floor(strip.clientWidth / 2)));
		try {
			const got = await get("timeline", { tape: "compared", from: rfc3339(from), to: rfc3339(to), buckets }, mine.signal);
			const sums = got.events.reduce((sum, e) => sum.map((v, i) => v + e.counts[i]), new Array(buckets).fill(0));
			counts = { from: ms(got.from_ns) - offset, bucket: ms(got.bucket_ns), sums, most: Math.max(1, ...sums) };
			strip.dataset.frames = sums.reduce((a, b) => a + b, 0);
			redraw("compare");
		} catch (e) {
			if (e.name !== "AbortError")
				say(e.message, true);
		}
	}, 90);
}

function drawStrip() {
	const width = strip.clientWidth, height = strip.clientHeight;
	if (!shown || !width)
		return;
	const ctx = fitCanvas(canvas, width, height);
	const { from, to } = model.view;
	const x = (t) => (t - from) / (to - from) * width;
	if (counts) {
		ctx.fillStyle = colour("other");
		counts.sums.forEach((n, i) => {
			const x0 = Math.round(x(counts.from + i * counts.bucket));
			const x1 = Math.round(x(counts.from + (i + 1) * counts.bucket));
			if (n)
				ctx.fillRect(x0, 0, Math.max(1, x1 - x0), Math.max(1, n / counts.most * (height - 8)));
		});
	}
	// A tick for each difference.
	differences.forEach((d, i) => {
		const at = x(d.t);
		if (at < 0 || at > width)
			return;
		ctx.fillStyle = colour(i === chosen ? "cursor" : "bad");
		ctx.fillRect(Math.round(at) - 1, i === chosen ? 0 : height - 7, i === chosen ? 3 : 2, i === chosen ? height : 7);
	});
	const at = x(now());
	ctx.fillStyle = colour("cursor");
	ctx.fillRect(Math.round(at), 0, 1, height);
}

// ---- its sources on the map -------------------------------------------------

let reading = false, readAt = 0;
async function readSources() {
	const at = there(now());
	if (!shown || reading || at === sourcesAt || !model.deck)
		return;
	reading = true;
	readAt = performance.now();
	try {
		const got = await get("sources", { tape: "compared", at: rfc3339(at) });
		sources = got.sources.filter((s) => typeof s.lat === "number" && typeof s.lng === "number").map((s) => {
			const [x, y] = project(s.lat, s.lng);
			return { key: String(s.id), name: s.label || String(s.id), x, y };
		});
		sourcesAt = at;
		map.box().dataset.compared = sources.length;
		redraw("map");
	} catch (e) {
		say(e.message, true);
	} finally {
		reading = false;
	}
}

/** Hollow squares, so that they differ from the played ones not by colour alone. */
function drawOnMap(ctx, v) {
	if (!shown)
		return;
	ctx.strokeStyle = colour("other");
	for (const s of sources) {
		const px = s.x * v.scale - v.left, py = s.y * v.scale - v.top;
		const same = model.sources.get(s.key);
		ctx.lineWidth = 1.5;
		if (same && same.placed && Math.hypot(same.px - px, same.py - py) > APART) {
			ctx.setLineDash([4, 3]);
			ctx.beginPath();
			ctx.moveTo(same.px, same.py);
			ctx.lineTo(px, py);
			ctx.stroke();
			ctx.setLineDash([]);
		}
		if (px < -12 || py < -12 || px > v.size.x + 12 || py > v.size.y + 12)
			continue;
		ctx.lineWidth = 2;
		ctx.strokeRect(px - 6, py - 6, 12, 12);
	}
}

// ---- what differs -------------------------------------------------------------

function say(words, bad) {
	state.textContent = words;
	state.classList.toggle("bad", Boolean(bad));
}

const WORDS = { changed: "changed", missing: "only on the played tape", extra: "only on the other tape" };

const value = (v) => (v === undefined ? "nothing" : typeof v === "string" ? v : JSON.stringify(v));

function what(d) {
	if (d.kind !== "changed")
		return WORDS[d.kind];
	return (d.fields || []).map((f) => f.pointer.replace(/^\.|^\/data/, "") + " " + value(f.a) + " → " + value(f.b)).join(", ") || WORDS.changed;
}

function show(i) {
	const d = differences[i];
	if (!d)
		return;
	chosen = i;
	seek(d.t + 1);
	if (d.source !== "")
		select(d.source);
	redraw("compare");
}

function toDifference(by) {
	if (chosen !== null)
		show(Math.max(0, Math.min(differences.length - 1, chosen + by)));
	else
		show(by > 0 ? differences.findIndex((d) => d.t > now()) : differences.findLastIndex((d) => d.t < now()));
}

function cell(name, words) {
	const el = document.createElement("span");
	el.className = name;
	el.textContent = words;
	return el;
}

function row(d, i) {
	const el = document.createElement("button");
	el.type = "button";
	el.className = "hit";
	el.setAttribute("role", "option");
	const s = model.sources.get(d.source);
	el.append(cell("at", day(d.t) + " " + clock(d.t)), cell("who ellipsis", s ? s.name : d.source), cell("what ellipsis", what(d)));
	el.title = what(d);
	el.addEventListener("click", () => show(i));
	return el;
}

/** Its time on the played tape; of what is only on the other one, the time beside it. */
function take(got) {
	differences = got.differences.map((d) => ({ ...d, t: d.a ? ms(d.a.time_ns) : ms(d.b.time_ns) - offset })).sort((a, b) => a.t - b.t);
	chosen = null;
	const by = new Map();
	for (const d of differences)
		by.set(d.source, (by.get(d.source) || 0) + 1);
	model.differs = by;
	const t = got.totals;
	const n = t.changed + t.missing + t.extra;
	say(n ? [t.changed && count(t.changed) + " changed", t.missing && count(t.missing) + " only on the played tape",
		t.extra && count(t.extra) + " only on the other"].filter(Boolean).join(", ") + (got.more ? "; the first " + count(LIMIT) + " are listed" : "") :
		"nothing differs in " + count(t.same) + " states and frames");
	emit("differs");
	redraw("compare");
}

async function compare() {
	if (aborter) {
		aborter.abort();
		return;
	}
	const mine = aborter = new AbortController();
	const { from, to, fit } = model.view;
	say("comparing…");
	redraw("compare");
	try {
		take(await get("differences", {
			limit: LIMIT,
			from: fit ? null : rfc3339(Math.max(from, model.first)),
			to: fit ? null : rfc3339(Math.min(to, model.last) + 1),
		}, mine.signal));
	} catch (e) {
		say(e.name === "AbortError" ? "stopped" : e.message, e.name !== "AbortError");
	} finally {
		aborter = null;
		redraw("compare");
	}
}

function draw() {
	drawStrip();
	if (made !== differences) {
		made = differences;
		list.replaceChildren(...made.map(row));
	}
	list.hidden = !shown || !made.length;
	for (const id of ["compare-previous", "compare-next"])
		$(id).hidden = !shown || !made.length;
	strip.hidden = go.hidden = !shown;
	go.textContent = aborter ? "Stop" : "Differences";
	toggle.setAttribute("aria-pressed", shown);
	[...list.children].forEach((el, i) => {
		if ((el.getAttribute("aria-selected") === "true") === (i === chosen))
			return;
		el.setAttribute("aria-selected", i === chosen);
		if (i === chosen)
			el.scrollIntoView({ block: "nearest" });
	});
}

function setShown(value) {
	shown = value;
	strip.hidden = go.hidden = !shown;
	sourcesAt = null;
	ask();
	readSources();
	redraw("compare", "map");
}

async function begin() {
	const other = model.tape.compared;
	if (!other || !panel.hidden)
		return;
	offset = ms(other.offset_ns);
	panel.hidden = false;
	$("compare-name").textContent = other.path.replace(/.*\/(?=.)/, "") + (offset ? ", " + span(Math.abs(offset)) + (offset > 0 ? " later" : " earlier") : "");
	try {
		const tape = await get("tape", { tape: "compared" });
		first = ms(tape.first_ns || 0);
		last = ms(tape.last_ns || 0);
		setShown(true);
	} catch (e) {
		say(e.message, true);
	}
}

export function start() {
	part("compare", draw);
	map.overlay(drawOnMap);
	toggle.addEventListener("click", () => setShown(!shown));
	go.addEventListener("click", compare);
	$("compare-next").addEventListener("click", () => toDifference(1));
	$("compare-previous").addEventListener("click", () => toDifference(-1));
	new ResizeObserver(ask).observe(strip);
	on("tape", begin);
	on("view", () => {
		ask();
		redraw("compare");
	});
	on("deck colours", () => redraw("compare"));
	on("zone", () => {
		made = null;
		redraw("compare");
	});
	on("moved began", readSources);
	on("states", () => {
		redraw("compare");
		if (performance.now() - readAt > EVERY)
			readSources();
	});
}
