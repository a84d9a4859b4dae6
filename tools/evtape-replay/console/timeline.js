// The whole tape as stacked counts, with gaps, bookmarks, loop, window and the
// deck's time. Wheel or pinch zooms, a drag pans, a click seeks.

import { get } from "./api.js";
import { model, on, emit, now } from "./model.js";
import { part, redraw, colour, fitCanvas } from "./draw.js";
import { seek, notice } from "./deck.js";
import { clock, day, span, rfc3339, ms, count, seconds, toLocal, fromLocal, suffix } from "./times.js";

const d3 = window.d3;
const AXIS = 18, HEAD = 14;
const SHORTEST = 20;

const box = document.getElementById("timeline");
const canvas = document.getElementById("bars");
const over = d3.select("#over");
const readout = document.getElementById("readout");
const frame = d3.select(box);

let width = 0, height = 0;
let data = null;
let colours = [];
/** Event name -> its number, in the order of the tape. */
const order = new Map();

const x = d3.scaleUtc();
const whole = d3.scaleUtc();
const axis = d3.axisBottom(x).tickSizeOuter(0).tickFormat(tickText);
const axisBox = over.append("g").attr("class", "axis");
const axisZone = over.append("text").attr("class", "axis-zone").attr("text-anchor", "end");
const areas = over.append("g");
const hits = over.append("g").attr("class", "hits");
const flags = over.append("g");
const cursor = over.append("g").attr("class", "cursor").attr("visibility", "hidden");
cursor.append("line");
cursor.append("path").attr("d", "M-5 0h10l-5 7z");
const pointer = over.append("line").attr("class", "pointer").attr("visibility", "hidden");

/** As short as possible to tell ticks apart; the date where a day begins. */
function tickText(t) {
	const date = new Date(toLocal(Number(t)));
	if (date % 1000)
		return d3.utcFormat(".%L")(date);
	if (date % 60000)
		return d3.utcFormat("%H:%M:%S")(date);
	return d3.utcFormat(date % 86400000 ? "%H:%M" : "%b %e")(date);
}

export const eventName = (name) => (name === null ? "(no event)" : name);

export function eventColour(name) {
	if (!order.has(name))
		order.set(name, order.size);
	return colours[order.get(name) % colours.length];
}

function readColours() {
	colours = d3.range(8).map((i) => colour("ev" + i));
}

// The largest span of the timeline: the tape with a small margin.
function domain() {
	const length = Math.max(model.last - model.first, 1000);
	return [model.first - length * 0.005, model.first + length * 1.005];
}

const zoom = d3.zoom()
	.clickDistance(4)
	.filter(() => {
		const e = d3.event;
		return !e.button && (e.type !== "wheel" || !sideways(e));
	})
	.on("zoom", () => {
		const e = d3.event;
		// Changes made by this file come without a source event.
		if (!e.sourceEvent)
			return;
		shown(e.transform.rescaleX(whole).domain().map(Number));
	});

const sideways = (e) => e.shiftKey || Math.abs(e.deltaX) > Math.abs(e.deltaY);

function shown([from, to]) {
	const [first, last] = whole.domain().map(Number);
	const fit = to - from >= (last - first) * 0.9999;
	model.view = fit ? { from: first, to: last, fit } : { from, to, fit };
	emit("view");
}

/** Show a time span, limited to the tape. */
export function view(from, to) {
	const [first, last] = whole.domain().map(Number);
	const length = Math.max(SHORTEST, Math.min(to - from, last - first));
	from = Math.max(first, Math.min(from, last - length));
	shown([from, from + length]);
	setTransform();
}

export const viewAll = () => view(...whole.domain().map(Number));

export function zoomBy(factor) {
	const { from, to } = model.view;
	const at = now() >= from && now() <= to ? now() : (from + to) / 2;
	view(at - (at - from) / factor, at + (to - at) / factor);
}

function setTransform() {
	const { from, to } = model.view;
	const [first, last] = whole.domain().map(Number);
	const k = (last - first) / (to - from);
	frame.call(zoom.transform, d3.zoomIdentity.scale(k).translate(-whole(from), 0));
}

function layout() {
	width = box.clientWidth;
	height = box.clientHeight;
	if (!width)
		return;
	over.attr("width", width).attr("height", height);
	whole.range([0, width]);
	x.range([0, width]);
	zoom.extent([[0, 0], [width, height]]).translateExtent([[0, 0], [width, height]]);
	update();
}

/** After the tape or the box changed: keep the visible span. */
function update() {
	whole.domain(domain());
	const [first, last] = whole.domain().map(Number);
	zoom.scaleExtent([1, Math.max(1, (last - first) / SHORTEST)]);
	if (model.view.fit)
		model.view = { from: first, to: last, fit: true };
	setTransform();
	redraw("timeline");
}

/** A round length: with others, regular frames would look irregular. */
const NICE = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 15000, 30000, 60000, 120000, 300000, 600000, 900000, 1800000,
	3600000, 7200000, 14400000, 43200000];
function niceBucket(length, most) {
	const day = 86400000;
	return NICE.find((b) => length / b <= most) || Math.ceil(length / most / day) * day;
}

/** What the timeline says in place of bars; "": nothing. */
export function say(words, bad) {
	const none = document.getElementById("timeline-none");
	none.textContent = words;
	none.classList.toggle("bad", Boolean(bad));
	none.hidden = !words;
}

// Requests for counts: one at a time, and the newest wins.
let timer = 0, aborter = null;
function ask(soon) {
	clearTimeout(timer);
	if (!model.first) {
		say(model.tape.live ? "Nothing is recorded yet." : "This tape has no frames.");
		return;
	}
	timer = setTimeout(async () => {
		if (aborter)
			aborter.abort();
		const mine = aborter = new AbortController();
		const { from, to } = model.view;
		const first = Math.max(from, model.first), last = Math.max(Math.min(to, model.last), first) + 1;
		const bucket = niceBucket(last - first, Math.max(50, Math.min(1500, width / 2)));
		const begin = Math.floor(first / bucket) * bucket, n = Math.ceil((last - begin) / bucket);
		try {
			take(await get("timeline", { from: rfc3339(begin), to: rfc3339(begin + n * bucket), buckets: n }, mine.signal));
		} catch (e) {
			if (e.name !== "AbortError")
				notice("Cannot read the timeline: " + e.message);
		}
	}, soon ? 0 : 90);
}

export function take(got) {
	for (const e of got.events)
		eventColour(e.name);
	const events = got.events.slice().sort((a, b) => order.get(a.name) - order.get(b.name));
	const n = events.length ? events[0].counts.length : 0;
	// Sums from below: what d3.stack() would make, without an object a bucket.
	const tops = [];
	let below = new Float64Array(n), most = 0;
	for (const e of events) {
		const top = new Float64Array(n);
		for (let i = 0; i < n; i++) {
			top[i] = below[i] + e.counts[i];
			if (top[i] > most)
				most = top[i];
		}
		tops.push(top);
		below = top;
	}
	say("");
	data = { from: ms(got.from_ns), bucket: ms(got.bucket_ns), n, events, tops, most, exact: got.exact };
	box.dataset.from = got.from_ns;
	box.dataset.buckets = n;
	redraw("timeline");
}

function drawBars() {
	const ctx = fitCanvas(canvas, width, height);
	const bottom = height - AXIS;
	if (data && data.most) {
		const y = d3.scaleLinear().domain([0, data.most]).range([bottom, HEAD]);
		ctx.strokeStyle = colour("grid");
		ctx.fillStyle = colour("dim");
		ctx.font = "10px " + colour("font");
		ctx.lineWidth = 1;
		const ticks = y.ticks(3).filter((v) => v > 0 && Number.isInteger(v));
		for (const v of ticks) {
			ctx.beginPath();
			ctx.moveTo(0, Math.round(y(v)) + 0.5);
			ctx.lineTo(width, Math.round(y(v)) + 0.5);
			ctx.stroke();
		}
		const i0 = Math.max(0, Math.floor((model.view.from - data.from) / data.bucket));
		const i1 = Math.min(data.n, Math.ceil((model.view.to - data.from) / data.bucket));
		const left = (i) => x(data.from + i * data.bucket);
		const wide = left(1) - left(0);
		const room = wide > 4 ? 1 : 0;
		for (let e = 0; e < data.events.length; e++) {
			const top = data.tops[e], low = e ? data.tops[e - 1] : null;
			ctx.fillStyle = eventColour(data.events[e].name);
			for (let i = i0; i < i1; i++) {
				const base = low ? low[i] : 0;
				if (top[i] === base)
					continue;
				// Every bar is high enough to be visible: one frame among thousands matters.
				const y0 = y(base), y1 = Math.min(y(top[i]), y0 - 1);
				const x0 = Math.round(left(i)), x1 = Math.round(left(i + 1)) - room;
				ctx.fillRect(x0, y1, Math.max(1, x1 - x0), y0 - y1);
			}
		}
		ctx.fillStyle = colour("dim");
		ctx.strokeStyle = colour("panel");
		ctx.lineWidth = 3;
		ctx.lineJoin = "round";
		for (const v of ticks) {
			ctx.strokeText(count(v), 4, y(v) + 9);
			ctx.fillText(count(v), 4, y(v) + 9);
		}
	}
	drawGaps(ctx, bottom);
}

function drawGaps(ctx, bottom) {
	ctx.fillStyle = colour("gap");
	ctx.strokeStyle = colour("gap-line");
	for (const g of model.gaps) {
		const x0 = x(g.from), x1 = Math.max(x(g.to), x0 + 2);
		if (x1 < 0 || x0 > width)
			continue;
		const a = Math.max(0, x0), b = Math.min(width, x1);
		ctx.save();
		ctx.beginPath();
		ctx.rect(a, HEAD, b - a, bottom - HEAD);
		ctx.fill();
		ctx.clip();
		ctx.beginPath();
		for (let i = a - (bottom - HEAD); i < b; i += 7) {
			ctx.moveTo(i, bottom);
			ctx.lineTo(i + bottom - HEAD, HEAD);
		}
		ctx.stroke();
		ctx.restore();
	}
}

function drawAreas() {
	const d = model.deck, bottom = height - AXIS;
	const list = [];
	const limit = (v, other) => (v === null || v === undefined ? other : ms(v));
	if (d && d.window) {
		const [first, last] = whole.domain().map(Number);
		list.push(["outside", first, limit(d.window.from_ns, first)], ["outside", limit(d.window.to_ns, last), last]);
	}
	if (d && d.loop)
		list.push(["loop", ms(d.loop.from_ns), ms(d.loop.to_ns)]);
	if (model.loopFrom !== null)
		list.push(["loop-from", model.loopFrom, model.loopFrom]);
	const sel = areas.selectAll("rect").data(list);
	sel.exit().remove();
	sel.enter().append("rect").merge(sel)
		.attr("class", (a) => a[0])
		.attr("x", (a) => Math.max(-2, x(a[1])))
		.attr("width", (a) => Math.max(a[0] === "loop-from" ? 2 : 0, Math.min(width + 2, x(a[2])) - Math.max(-2, x(a[1]))))
		.attr("y", HEAD)
		.attr("height", bottom - HEAD);
}

function drawFlags() {
	const seen = model.marks.filter((m) => m.mark === "note" && m.t >= model.view.from && m.t <= model.view.to).slice(0, 500);
	const sel = flags.selectAll("g").data(seen, (m) => m.seq);
	sel.exit().remove();
	const fresh = sel.enter().append("g").attr("class", "flag").attr("data-seq", (m) => m.seq);
	fresh.append("line");
	fresh.append("path").attr("d", "M0 1h11l-3 4 3 4H0z");
	fresh.append("title").text((m) => m.text);
	fresh.on("click", (m) => {
		d3.event.stopPropagation();
		seek(m.time);
	});
	const all = fresh.merge(sel).attr("transform", (m) => "translate(" + x(m.t).toFixed(1) + ",0)");
	all.select("line").attr("y2", height - AXIS);
}

/** A tick for each hit of a search; the one that is shown is higher. */
function drawHits() {
	const seen = model.hits.filter((h) => h.t >= model.view.from && h.t <= model.view.to);
	const sel = hits.selectAll("path").data(seen);
	sel.exit().remove();
	sel.enter().append("path").merge(sel)
		.attr("class", (h) => (h === model.hits[model.hit] ? "shown" : null))
		.attr("transform", (h) => "translate(" + x(h.t).toFixed(1) + "," + (height - AXIS) + ")")
		.attr("d", (h) => (h === model.hits[model.hit] ? "M0 0l-5 9h10zM0 0V" + (HEAD - height + AXIS) : "M0 0l-4 7h8z"));
}

function drawAll() {
	if (!width || !model.tape || !model.first)
		return;
	x.domain([model.view.from, model.view.to]);
	if (!colours.length)
		readColours();
	drawBars();
	// Round times of the zone, and at the end which one it is.
	const ticks = d3.scaleUtc().domain([toLocal(model.view.from), toLocal(model.view.to)]).ticks(Math.max(2, Math.floor(width / 110)));
	axis.tickValues(ticks.map((t) => fromLocal(Number(t))).filter((t) => t >= model.view.from && t <= model.view.to && x(t) < width - 60));
	axisZone.text("UTC" + suffix(model.view.to).replace("Z", "")).attr("x", width - 3).attr("y", height - 3);
	axisBox.attr("transform", "translate(0," + (height - AXIS) + ")").call(axis);
	// Nothing may extend past the edges.
	axisBox.selectAll("text").attr("text-anchor", (t) => (x(t) < 24 ? "start" : x(t) > width - 24 ? "end" : null));
	drawAreas();
	drawHits();
	drawFlags();
	drawCursor();
}

let spoken = 0;
function drawCursor() {
	if (!width || !model.tape)
		return;
	const t = now();
	const at = x(t);
	cursor.attr("visibility", null).attr("transform", "translate(" + Math.max(-10, Math.min(width + 10, at)).toFixed(1) + ",0)");
	cursor.select("line").attr("y1", 0).attr("y2", height - AXIS);
	// For screen readers; not with each picture, or they would never stop reading.
	if (Math.abs(t - spoken) >= 1000 || !spoken) {
		spoken = t;
		box.setAttribute("aria-valuemin", Math.round(model.first));
		box.setAttribute("aria-valuemax", Math.round(model.last));
		box.setAttribute("aria-valuenow", Math.round(t));
		box.setAttribute("aria-valuetext", day(t) + " " + seconds(t));
	}
}

/** Show the time under the pointer, and the counts of its bucket. */
function hover(px) {
	const out = px === null || !data;
	emit("hover", out ? null : Number(x.invert(px)));
	readout.hidden = out;
	pointer.attr("visibility", out ? "hidden" : null);
	if (out)
		return;
	const t = Number(x.invert(px));
	const i = Math.floor((t - data.from) / data.bucket);
	const lines = [clock(t)];
	for (const e of data.events)
		if (e.counts[i])
			lines.push(eventName(e.name) + " " + count(e.counts[i]));
	for (const g of model.gaps)
		if (t >= g.from && t <= g.to)
			lines.push("gap" + (g.reason ? ": " + g.reason : ""));
	lines.push((data.exact ? "in " : "about, in ") + span(data.bucket));
	readout.textContent = lines.join("\n");
	readout.style.transform = "translateX(" + Math.round(px > width / 2 ? px - readout.offsetWidth - 10 : px + 10) + "px)";
	pointer.attr("x1", px).attr("x2", px).attr("y2", height - AXIS);
}

export function start() {
	part("timeline", drawAll);
	part("cursor", drawCursor);
	frame.call(zoom).on("dblclick.zoom", null);
	box.addEventListener("click", (e) => {
		if (e.defaultPrevented || !model.tape)
			return;
		const t = Number(x.invert(e.clientX - box.getBoundingClientRect().left));
		seek(Math.max(model.first, Math.min(model.last, t)));
	});
	box.addEventListener("wheel", (e) => {
		e.preventDefault();
		if (!sideways(e))
			return;
		const by = (e.deltaX || e.deltaY) / width * (model.view.to - model.view.from);
		view(model.view.from + by, model.view.to + by);
	}, { passive: false });
	box.addEventListener("pointermove", (e) => hover(e.clientX - box.getBoundingClientRect().left));
	box.addEventListener("pointerleave", () => hover(null));
	new ResizeObserver(() => {
		layout();
		if (model.tape)
			ask();
	}).observe(box);
	document.getElementById("zoom-in").addEventListener("click", () => zoomBy(2));
	document.getElementById("zoom-out").addEventListener("click", () => zoomBy(0.5));
	document.getElementById("zoom-fit").addEventListener("click", viewAll);
	document.documentElement.addEventListener("theme", () => {
		readColours();
		redraw("timeline");
		emit("colours");
	});

	on("view", () => {
		ask();
		redraw("timeline");
	});
	on("marks gaps hits zone", () => redraw("timeline"));
	on("zone", () => {
		spoken = 0;
	});
	on("deck", () => redraw("timeline"));
	on("tape", () => {
		for (const e of model.tape.events)
			eventColour(e.name);
		layout();
		if (!model.first)
			ask();
	});
	on("hover", (t) => {
		model.hover = t;
		if (t !== null)
			pointer.attr("x1", x(t)).attr("x2", x(t)).attr("y2", height - AXIS);
		pointer.attr("visibility", t === null ? "hidden" : null);
	});
	on("grown", () => {
		const { from, to, fit } = model.view;
		update();
		// In follow mode a zoomed timeline moves along.
		if (!fit && model.follow && model.last > to)
			view(model.last - (to - from), model.last);
		else
			ask();
	});
}

readColours();
