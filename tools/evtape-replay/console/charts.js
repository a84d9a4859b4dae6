// Numbers of frames over time, below the timeline and with its axis: a chart for each
// field, a line for each selected source. A value in a frame, or the box, adds one.

import { get } from "./api.js";
import { model, on, emit, now, chosenIds } from "./model.js";
import { part, redraw, colour, fitCanvas } from "./draw.js";
import { clock, span, rfc3339, ms } from "./times.js";
import { written } from "./ids.js";
import { notice, seek } from "./deck.js";

const d3 = window.d3;
const FIELDS = 8, LINES = 8;
const TOP = 16, BOTTOM = 3;
/** Values further apart than this many usual distances are not joined. */
const RHYTHM = 4;
const DASHES = [[], [6, 3], [2, 2], [8, 3, 2, 3]];

const $ = (id) => document.getElementById(id);
const box = $("charts"), list = $("chart-list"), bar = $("charts-bar"), cursors = $("chart-cursors");
const timeline = $("timeline");

/** The fields, as texts, and the answer of the API that is drawn. */
let fields = [];
let data = null, error = "";
/** The two cursors, in time order or not; null: not set. */
const at = { a: null, b: null };
const made = new Map();

export const charted = () => fields.join(",");

// ---- which fields ----------------------------------------------------------------

/** The field of a value in a frame: as find.md writes it, so that it is the same in a state
 * and in a batch. */
export function fieldOf(path, parts) {
	const part = parts.find((p) => p.path && path.startsWith(p.path + "/"));
	let rest = part ? path.slice(part.path.length) : path;
	if (part && part.value && part.value.state)
		rest = rest.replace(/^\/state(?=\/)/, "");
	if (!part)
		rest = rest.replace(/^\/data(?=\/)/, "");
	const names = rest.slice(1).split("/");
	const plain = part || path.startsWith("/data/") ? names.every((n) => /^[A-Za-z_]\w*$/.test(n)) : false;
	return plain ? names.join(".") : path.replace(/~/g, "~0");
}

export function add(field) {
	field = field.trim();
	if (!field || fields.includes(field))
		return;
	if (fields.length >= FIELDS) {
		notice("There are " + FIELDS + " charts already: remove one.");
		return;
	}
	set([...fields, field]);
}

/** All of them: from an address. */
export function set(names) {
	fields = names.slice(0, FIELDS);
	data = null;
	ask();
	redraw("charts");
	emit("charted");
}

// ---- data ---------------------------------------------------------------------------

/** The sources whose lines are drawn. */
function sources() {
	const ids = chosenIds();
	return (ids.length ? ids : [...model.sources.values()].slice(0, LINES + 1).map((s) => s.id)).slice(0, LINES);
}

let timer = 0, aborter = null;
function ask() {
	clearTimeout(timer);
	if (!fields.length || !model.tape)
		return;
	timer = setTimeout(async () => {
		if (aborter)
			aborter.abort();
		const mine = aborter = new AbortController();
		const ids = sources();
		const from = Math.max(model.view.from, model.first), to = Math.min(model.view.to, model.last) + 1;
		if (!ids.length || from >= to)
			return;
		const points = Math.max(50, Math.min(1500, Math.floor(timeline.clientWidth), Math.floor(60000 / ids.length / fields.length)));
		const query = new URLSearchParams({ from: rfc3339(from), to: rfc3339(to), points, source: ids.map(written).join(",") });
		for (const f of fields)
			query.append("path", f);
		try {
			const began = performance.now();
			take(await get("series?" + query, null, mine.signal));
			box.dataset.readMs = (performance.now() - began).toFixed(1);
			error = "";
		} catch (e) {
			if (e.name === "AbortError")
				return;
			data = null;
			error = e.message;
		}
		redraw("charts");
	}, 90);
}

/** Buckets with values, and how far apart they usually are. */
function line(s) {
	const filled = [];
	s.count.forEach((n, i) => n && filled.push(i));
	const steps = filled.slice(1).map((i, k) => i - filled[k]).sort((a, b) => a - b);
	return { ...s, key: String(s.source), filled, usual: steps.length ? steps[steps.length >> 1] : 1 };
}

function take(got) {
	const names = [...new Set(got.series.map((s) => String(s.source)))];
	data = { from: ms(got.from_ns), bucket: ms(got.bucket_ns), n: got.buckets, lines: got.series.map(line), names };
	box.dataset.lines = data.lines.length;
}

/** The value of a line before a time: never one that came after it. Null: there was none,
 * or a silence. */
function valueAt(l, t) {
	const i = Math.floor((t - data.from) / data.bucket);
	let k = d3.bisectLeft(l.filled, i) - 1;
	return k >= 0 && !apart(l, l.filled[k], i) ? l.last[l.filled[k]] : null;
}

const apart = (l, i, j) => j - i > Math.max(1, RHYTHM * l.usual) || model.gaps.some((g) => {
	const a = data.from + (i + 1) * data.bucket, b = data.from + j * data.bucket;
	return g.from < b && g.to > a;
});

// ---- drawing ------------------------------------------------------------------------

const nameOf = (key) => model.sources.get(key)?.name ?? key;
const number = (v) => (v === null ? "–" : Number.isInteger(v) ? v.toLocaleString("en-US") : Number(v.toPrecision(7)).toLocaleString("en-US", { maximumFractionDigits: 6 }));

function look(key) {
	const i = Math.max(0, data.names.indexOf(key));
	return { stroke: colour("ev" + i % 8), dash: DASHES[Math.floor(i / 2) % DASHES.length] };
}

function make(field) {
	const el = document.createElement("div");
	el.className = "chart";
	el.setAttribute("role", "group");
	el.setAttribute("aria-label", "Chart of " + field);
	const canvas = document.createElement("canvas");
	canvas.setAttribute("aria-hidden", "true");
	const head = document.createElement("div");
	head.className = "chart-head";
	const name = document.createElement("strong");
	name.textContent = field;
	const values = document.createElement("ul");
	values.className = "num";
	const remove = document.createElement("button");
	remove.type = "button";
	remove.className = "icon";
	remove.setAttribute("aria-label", "Remove the chart of " + field);
	remove.title = "Remove this chart";
	remove.textContent = "×";
	remove.addEventListener("click", () => set(fields.filter((f) => f !== field)));
	head.append(name, values, remove);
	el.append(canvas, head);
	canvas.addEventListener("pointermove", (e) => emit("hover", timeAt(e.clientX - canvas.getBoundingClientRect().left)));
	canvas.addEventListener("pointerleave", () => emit("hover", null));
	canvas.addEventListener("click", (e) => {
		const t = timeAt(e.clientX - canvas.getBoundingClientRect().left);
		if (e.shiftKey)
			mark(at.a === null || at.b !== null ? "a" : "b", t);
		else
			seek(Math.max(model.first, Math.min(model.last, t)));
	});
	return { el, canvas, values, texts: [] };
}

const timeAt = (px) => model.view.from + px / timeline.clientWidth * (model.view.to - model.view.from);

function drawLine(ctx, l, x, y) {
	const { stroke, dash } = look(l.key);
	ctx.fillStyle = ctx.strokeStyle = stroke;
	ctx.setLineDash(dash);
	ctx.lineWidth = 1.5;
	const middle = (i) => x(data.from + (i + 0.5) * data.bucket);
	ctx.beginPath();
	let before = -1;
	for (const i of l.filled) {
		if (before >= 0 && !apart(l, before, i))
			ctx.lineTo(middle(i), y(l.last[i]));
		else
			ctx.moveTo(middle(i), y(l.last[i]));
		before = i;
	}
	ctx.stroke();
	ctx.setLineDash([]);
	// All values of a bucket, and those that stand alone.
	ctx.globalAlpha = 0.35;
	for (const i of l.filled)
		ctx.fillRect(middle(i) - 0.75, y(l.max[i]) - 0.75, 1.5, Math.max(1.5, y(l.min[i]) - y(l.max[i]) + 1.5));
	ctx.globalAlpha = 1;
}

function drawRule(ctx, px, height, name) {
	ctx.fillStyle = colour(name);
	ctx.fillRect(Math.round(px), 0, 1, height);
}

function drawChart(field, m) {
	const width = timeline.clientWidth, height = m.el.clientHeight;
	const ctx = fitCanvas(m.canvas, width, height);
	const x = d3.scaleLinear().domain([model.view.from, model.view.to]).range([0, width]);
	const lines = data ? data.lines.filter((l) => l.field === field && l.filled.length) : [];
	let low = d3.min(lines, (l) => d3.min(l.filled, (i) => l.min[i])), high = d3.max(lines, (l) => d3.max(l.filled, (i) => l.max[i]));
	ctx.font = "10px " + colour("font");
	if (!lines.length) {
		ctx.fillStyle = colour("dim");
		ctx.fillText(error || (data ? "No number in this field of the selected sources, in the time shown" : "loading…"), 6, height / 2 + 8);
	} else {
		if (low === high) {
			low -= 1;
			high += 1;
		}
		const y = d3.scaleLinear().domain([low, high]).nice(3).range([height - BOTTOM, TOP]);
		ctx.strokeStyle = colour("grid");
		ctx.lineWidth = 1;
		for (const v of y.ticks(3)) {
			ctx.beginPath();
			ctx.moveTo(0, Math.round(y(v)) + 0.5);
			ctx.lineTo(width, Math.round(y(v)) + 0.5);
			ctx.stroke();
		}
		for (const l of lines)
			drawLine(ctx, l, x, y);
		ctx.fillStyle = colour("dim");
		ctx.strokeStyle = colour("panel");
		ctx.lineWidth = 3;
		for (const v of y.ticks(3)) {
			ctx.strokeText(number(v), 4, y(v) + 9);
			ctx.fillText(number(v), 4, y(v) + 9);
		}
	}
	drawRule(ctx, x(now()), height, "cursor");
	if (model.hover !== null)
		drawRule(ctx, x(model.hover), height, "dim");
	for (const name of ["a", "b"])
		if (at[name] !== null)
			drawRule(ctx, x(at[name]), height, "accent");
	fillValues(m, lines);
}

/** A line's value before the hovered time, or the deck's; and what it did between the
 * cursors. */
function fillValues(m, lines) {
	const t = model.hover ?? now();
	const texts = lines.map((l) => {
		const value = nameOf(l.key) + " " + number(valueAt(l, t));
		if (at.a === null || at.b === null)
			return value;
		const [first, last] = [valueAt(l, Math.min(at.a, at.b)), valueAt(l, Math.max(at.a, at.b))];
		return value + " (" + number(first) + " → " + number(last) + (first === null || last === null ? "" : ", Δ " + number(last - first)) + ")";
	});
	if (texts.join("\n") === m.texts.join("\n") && m.values.childElementCount === texts.length)
		return;
	m.texts = texts;
	m.values.replaceChildren(...lines.map((l, i) => {
		const li = document.createElement("li");
		const dot = document.createElement("span");
		dot.className = "dot";
		dot.style.background = look(l.key).stroke;
		li.append(dot, texts[i]);
		return li;
	}));
}

function draw() {
	box.hidden = !fields.length;
	for (const [field, m] of made)
		if (!fields.includes(field)) {
			m.el.remove();
			made.delete(field);
		}
	for (const field of fields) {
		if (!made.has(field)) {
			made.set(field, make(field));
			list.append(made.get(field).el);
		}
		drawChart(field, made.get(field));
	}
	bar.hidden = !fields.length;
	const t = [at.a, at.b].filter((v) => v !== null);
	$("chart-clear").disabled = !t.length;
	cursors.textContent = t.length === 2 ? clock(Math.min(...t)) + " to " + clock(Math.max(...t)) + ": " + span(Math.abs(t[0] - t[1])) :
		t.length ? clock(t[0]) : "Two cursors: shift and click, or 1 and 2";
}

// ---- cursors ------------------------------------------------------------------------

function mark(name, t) {
	if (name === "a" && at.b !== null)
		at.b = null;
	at[name] = t;
	redraw("charts");
}

/** Set a cursor where the pointer is, or at the deck's time: 1 or 2. */
export function toCursor(n) {
	if (fields.length)
		mark(n === 1 ? "a" : "b", model.hover ?? now());
}

export function start() {
	part("charts", draw);
	$("chart-form").addEventListener("submit", (e) => {
		e.preventDefault();
		add($("chart").value);
		$("chart").value = "";
	});
	$("chart-a").addEventListener("click", () => toCursor(1));
	$("chart-b").addEventListener("click", () => toCursor(2));
	$("chart-clear").addEventListener("click", () => {
		at.a = at.b = null;
		redraw("charts");
	});
	new ResizeObserver(() => {
		ask();
		redraw("charts");
	}).observe(timeline);
	on("view chosen began", ask);
	on("colours", () => {
		for (const m of made.values())
			m.texts = [];
	});
	on("grown", () => fields.length && redraw("charts"));
	on("view deck states hover gaps zone colours", () => fields.length && redraw("charts"));
}
