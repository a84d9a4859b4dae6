// Every source at the deck's time, and the track of the selected one. Sources are
// drawn on a canvas of our own: 2,000 markers of Leaflet would be 2,000 objects
// in the page.

import { get } from "./api.js";
import { model, on, now, select, toggle, selectedSource, project } from "./model.js";
import { part, redraw, colour, fitCanvas } from "./draw.js";
import { rfc3339, ms, age } from "./times.js";

const L = window.L;
const STATUS = ["unknown", "silent", "offline", "parked", "stopped", "moving", "blocked"];
/** At most this many sources are labelled, if there is room. */
const LABELS = 400;
const POINTS = 4000;
const STEPS = [30, 20, 10, 5, 2, 1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001, 0.0005, 0.0002, 0.0001];

const tip = document.getElementById("map-tip");
const card = document.getElementById("selected-card");

let map = null, canvas = null, lines = null;
/** The user has moved the map; until then it shows all sources. */
let chosen = false, known = 0;
let step = 0, stepLng = 0;
let hovered = null;
let colours = null;
/** The track of the selected source: {key, x[], y[], t[]}. */
let track = null;

function readColours() {
	colours = { track: colour("accent"), ink: colour("text"), halo: colour("map"), dim: colour("dim"), font: colour("font") };
	for (const s of STATUS)
		colours[s] = colour("s-" + s);
	stamps.clear();
}

/** From world coordinates (0 to 1) to a point in the box. */
function view() {
	const min = map.getPixelBounds().min;
	const scale = 256 * 2 ** map.getZoom();
	return { scale, left: min.x, top: min.y, size: map.getSize() };
}

function drawGraticule() {
	const bounds = map.getBounds().pad(0.6);
	const pick = (range, room) => STEPS.findLast((s) => range / s * 2.2 <= room) || STEPS[0];
	const size = map.getSize(), b = map.getBounds();
	step = pick(b.getNorth() - b.getSouth(), size.y / 40);
	stepLng = pick(b.getEast() - b.getWest(), size.x / 40);
	lines.clearLayers();
	const style = { className: "graticule", interactive: false, weight: 1 };
	const south = Math.max(-85, bounds.getSouth()), north = Math.min(85, bounds.getNorth());
	const east = bounds.getEast(), west = bounds.getWest();
	for (let lat = Math.ceil(south / step) * step; lat <= north; lat += step)
		L.polyline([[lat, west], [lat, east]], style).addTo(lines);
	for (let lng = Math.ceil(west / stepLng) * stepLng; lng <= east; lng += stepLng)
		L.polyline([[south, lng], [north, lng]], style).addTo(lines);
}

function drawLabels(ctx, v) {
	const b = map.getBounds();
	const places = (s) => Math.max(0, Math.ceil(-Math.log10(s) - 1e-9));
	const text = (value, s, plus, minus) => Math.abs(value).toFixed(places(s)) + "°" + (value > s / 2 ? plus : value < -s / 2 ? minus : "");
	ctx.font = "10px " + colours.font;
	ctx.fillStyle = colours.dim;
	ctx.textAlign = "left";
	ctx.textBaseline = "middle";
	for (let lat = Math.ceil(b.getSouth() / step) * step; lat <= b.getNorth() && step; lat += step) {
		const y = project(lat, 0)[1] * v.scale - v.top;
		if (y > 12 && y < v.size.y - 22 && Math.abs(lat) < 85)
			ctx.fillText(text(lat, step, "N", "S"), 4, y - 7);
	}
	ctx.textBaseline = "bottom";
	for (let lng = Math.ceil(b.getWest() / stepLng) * stepLng; lng <= b.getEast() && stepLng; lng += stepLng) {
		const x = project(0, lng)[0] * v.scale - v.left;
		if (x > 40 && x < v.size.x - 40)
			ctx.fillText(text(lng, stepLng, "E", "W"), x + 3, v.size.y - 3);
	}
}

function drawTrack(ctx, v) {
	if (!track || track.t.length < 2)
		return;
	const t = now();
	ctx.lineJoin = "round";
	ctx.strokeStyle = colours.track;
	// The past of the track, then, fainter, its future.
	let i = 0;
	for (const past of [true, false]) {
		ctx.beginPath();
		ctx.globalAlpha = past ? 0.95 : 0.4;
		ctx.lineWidth = past ? 2.5 : 1.5;
		let pen = false;
		if (i > 0)
			i--;
		for (; i < track.t.length && (!past || track.t[i] <= t); i++) {
			const px = track.x[i] * v.scale - v.left, py = track.y[i] * v.scale - v.top;
			if (pen)
				ctx.lineTo(px, py);
			else
				ctx.moveTo(px, py);
			pen = true;
		}
		ctx.stroke();
	}
	ctx.globalAlpha = 1;
}

/** Where the source of the track was before the time under the pointer. */
function drawHover(ctx, v) {
	const i = track && model.hover !== null ? track.t.findLastIndex((t) => t <= model.hover) : -1;
	map.getContainer().dataset.hover = i;
	if (i < 0)
		return;
	ctx.beginPath();
	ctx.arc(track.x[i] * v.scale - v.left, track.y[i] * v.scale - v.top, 6, 0, 2 * Math.PI);
	ctx.lineWidth = 2.5;
	ctx.strokeStyle = colours.ink;
	ctx.stroke();
}

function arrow(ctx, px, py, heading, size) {
	if (heading === null || heading === undefined) {
		ctx.moveTo(px + size * 0.6, py);
		ctx.arc(px, py, size * 0.6, 0, 2 * Math.PI);
		return;
	}
	const a = heading * Math.PI / 180, sin = Math.sin(a) * size, cos = Math.cos(a) * size;
	ctx.moveTo(px + 1.35 * sin, py - 1.35 * cos);
	ctx.lineTo(px + 0.85 * cos - sin, py + 0.85 * sin + cos);
	ctx.lineTo(px - 0.5 * sin, py + 0.5 * cos);
	ctx.lineTo(px - 0.85 * cos - sin, py - 0.85 * sin + cos);
	ctx.closePath();
}

// Arrows are drawn once for each look and copied from then on: without a
// graphics card the paths of 2,000 sources take a hundred milliseconds.
const STAMP = 26, TURNS = 72;
const stamps = new Map();
function stamp(status, heading, size) {
	const turn = heading === null || heading === undefined ? null : Math.round(heading / 360 * TURNS) % TURNS;
	const key = status + " " + turn + " " + size;
	let made = stamps.get(key);
	if (made)
		return made;
	const ratio = window.devicePixelRatio || 1;
	const canvas = new OffscreenCanvas(Math.ceil(STAMP * ratio), Math.ceil(STAMP * ratio));
	const ctx = canvas.getContext("2d");
	ctx.scale(canvas.width / STAMP, canvas.width / STAMP);
	ctx.beginPath();
	arrow(ctx, STAMP / 2, STAMP / 2, turn === null ? null : turn * 360 / TURNS, size);
	ctx.fillStyle = colours[status];
	ctx.fill();
	ctx.lineWidth = 1;
	ctx.strokeStyle = colours.halo;
	ctx.stroke();
	made = canvas.transferToImageBitmap();
	stamps.set(key, made);
	return made;
}

function drawSources(ctx, v) {
	const groups = new Map(STATUS.map((s) => [s, []]));
	let inside = 0;
	for (const s of model.sources.values()) {
		if (!s.placed)
			continue;
		s.px = s.x * v.scale - v.left;
		s.py = s.y * v.scale - v.top;
		s.inside = s.px > -12 && s.py > -12 && s.px < v.size.x + 12 && s.py < v.size.y + 12;
		if (s.inside) {
			inside++;
			(groups.get(s.status) || groups.get("unknown")).push(s);
		}
	}
	const small = inside > 600 ? 0.8 : 1;
	for (const [status, list] of groups) {
		const size = (status === "moving" ? 7 : 5.5) * small;
		for (const s of list)
			ctx.drawImage(stamp(status, s.heading, size), s.px - STAMP / 2, s.py - STAMP / 2, STAMP, STAMP);
	}
	// The one with the focus comes last, on top.
	const picked = [...model.chosen].map((key) => model.sources.get(key)).filter((s) => s && s.placed)
		.sort((a, b) => (a.key === model.selected) - (b.key === model.selected));
	for (const s of picked)
		drawPicked(ctx, s);
	drawNames(ctx, picked.reverse(), inside <= LABELS ? groups : new Map());
}

function drawPicked(ctx, s) {
	ctx.beginPath();
	ctx.arc(s.px, s.py, 14, 0, 2 * Math.PI);
	ctx.lineWidth = s.key === model.selected ? 2.5 : 1.25;
	ctx.strokeStyle = colours.track;
	ctx.stroke();
	ctx.beginPath();
	arrow(ctx, s.px, s.py, s.heading, 8);
	ctx.fillStyle = colours[s.status] || colours.unknown;
	ctx.fill();
	ctx.lineWidth = 1;
	ctx.strokeStyle = colours.halo;
	ctx.stroke();
}

/** Names below the sources, where they cover no other name. */
function drawNames(ctx, picked, groups) {
	const LINE = 13;
	const taken = [];
	ctx.font = "11px " + colours.font;
	ctx.textAlign = "center";
	ctx.textBaseline = "top";
	ctx.lineWidth = 3;
	ctx.lineJoin = "round";
	ctx.strokeStyle = colours.halo;
	ctx.fillStyle = colours.ink;
	const name = (s) => {
		const below = model.chosen.has(s.key) ? 16 : 9;
		const half = s.name.length * 3.3 + 2, top = s.py + below;
		if (taken.some((t) => Math.abs(t.x - s.px) < t.half + half && Math.abs(t.top - top) < LINE))
			return;
		taken.push({ x: s.px, top, half });
		ctx.strokeText(s.name, s.px, top);
		ctx.fillText(s.name, s.px, top);
	};
	picked.forEach(name);
	// Moving sources come first.
	for (const status of [...STATUS].reverse())
		(groups.get(status) || []).forEach((s) => !model.chosen.has(s.key) && name(s));
}

/** What other modules draw on top of the sources: fn(context, view), where a place
 * of project() is at x * view.scale - view.left, y * view.scale - view.top. */
const overlays = [];
export const overlay = (fn) => overlays.push(fn);

/** The map's element. */
export const box = () => map.getContainer();

function draw() {
	const size = map.getSize();
	if (!size.x || !size.y)
		return;
	if (!colours)
		readColours();
	L.DomUtil.setPosition(canvas, map.containerPointToLayerPoint([0, 0]));
	const ctx = fitCanvas(canvas, size.x, size.y);
	const v = view();
	drawLabels(ctx, v);
	drawTrack(ctx, v);
	drawSources(ctx, v);
	drawHover(ctx, v);
	for (const fn of overlays)
		fn(ctx, v);
	drawCard();
}

const set = (id, text) => {
	const el = document.getElementById(id);
	if (el.textContent !== text)
		el.textContent = text;
};

function drawCard() {
	const s = selectedSource();
	card.hidden = model.selected === null;
	if (model.selected === null)
		return;
	const more = model.chosen.size - 1;
	set("selected-name", (s ? s.name : model.selected) + (more > 0 ? " +" + more : ""));
	set("selected-facts", !s ? "not seen yet" : [
		s.status,
		typeof s.speed === "number" ? Math.round(s.speed) + " km/h" : null,
		typeof s.heading === "number" ? Math.round(s.heading) + "°" : null,
		s.t === null ? null : age(now() - s.t) + " ago",
		s.placed ? s.lat.toFixed(5) + ", " + s.lng.toFixed(5) : "no position",
	].filter((x) => x !== null).join(" · "));
}

/** The source under a point of the box. */
function hit(p) {
	let best = null, near = 14 * 14;
	for (const s of model.sources.values()) {
		if (!s.placed || !s.inside)
			continue;
		const d = (s.px - p.x) ** 2 + (s.py - p.y) ** 2;
		if (d < near) {
			near = d;
			best = s;
		}
	}
	return best;
}

function hover(p) {
	const s = p && hit(p);
	if (s) {
		tip.textContent = s.name + " · " + s.status + (typeof s.speed === "number" ? " · " + Math.round(s.speed) + " km/h" : "");
		tip.style.transform = "translate(" + Math.round(p.x + 14) + "px," + Math.round(p.y + 10) + "px)";
	}
	if (s !== hovered) {
		hovered = s;
		tip.hidden = !s;
		map.getContainer().classList.toggle("over-source", Boolean(s));
	}
}

export function fit() {
	chosen = false;
	let south = 90, north = -90, west = 180, east = -180;
	for (const s of model.sources.values()) {
		// Many trackers report 0, 0 before they have a position.
		if (!s.placed || (s.lat === 0 && s.lng === 0))
			continue;
		south = Math.min(south, s.lat);
		north = Math.max(north, s.lat);
		west = Math.min(west, s.lng);
		east = Math.max(east, s.lng);
	}
	if (south > north)
		return false;
	map.fitBounds([[south, west], [north, east]], { padding: [24, 24], maxZoom: 16, animate: false });
	return true;
}

function allInside() {
	const { left, top, scale, size } = view();
	for (const s of model.sources.values()) {
		const x = s.x * scale - left, y = s.y * scale - top;
		if (s.placed && (s.lat || s.lng) && (x < 0 || y < 0 || x > size.x || y > size.y))
			return false;
	}
	return true;
}

/** Show all sources until the user moves the map. */
function fitUnchosen() {
	if (!chosen && map.getSize().x)
		fit();
}

/** Frames of all sources that may have to be read for a track: what that takes
 * is not seen. */
const TRACK_FRAMES = 300000;

/** From when to when a way is asked for: what the timeline shows, of a long tape
 * a part around the deck's time. */
function trackSpan() {
	const from = Math.max(model.view.from, model.first), to = Math.min(model.view.to, model.last);
	const most = (model.last - model.first) * Math.min(1, TRACK_FRAMES / model.tape.frames);
	if (to - from <= most)
		return [from, to];
	const at = Math.max(from + most / 2, Math.min(to - most / 2, now()));
	return [at - most / 2, at + most / 2];
}

let aborter = null;
async function loadTrack() {
	if (aborter)
		aborter.abort();
	const key = model.selected;
	if (key === null || !model.tape) {
		track = null;
		redraw("map");
		return;
	}
	if (!track || track.key !== key)
		track = null;
	const mine = aborter = new AbortController();
	const [from, to] = trackSpan();
	try {
		const got = await get("sources/" + encodeURIComponent(key) + "/track", { from: rfc3339(from), to: rfc3339(to + 1), max: 2000 },
			mine.signal);
		const points = got.geometry ? got.geometry.coordinates : [];
		const fresh = { key, from, to, x: [], y: [], t: [] };
		points.forEach(([lng, lat], i) => {
			const [x, y] = project(lat, lng);
			fresh.x.push(x);
			fresh.y.push(y);
			fresh.t.push(ms(got.properties.times_ns[i]));
		});
		track = fresh;
		map.getContainer().dataset.track = points.length;
	} catch (e) {
		if (e.name === "AbortError")
			return;
		track = null;
		delete map.getContainer().dataset.track;
	}
	redraw("map");
}

/** On a growing tape the track continues with the played frames. */
function extend() {
	const s = selectedSource();
	if (!s || !track || track.key !== s.key || !s.placed || s.t === null)
		return;
	const n = track.t.length;
	if (n && s.t <= track.t[n - 1])
		return;
	track.x.push(s.x);
	track.y.push(s.y);
	track.t.push(s.t);
	if (track.t.length > POINTS)
		for (const name of ["x", "y", "t"])
			track[name] = track[name].filter((_, i) => i % 2 === 0);
}

export function tiles(url) {
	map.attributionControl.setPrefix("");
	// Between whole zooms tiles are blurred.
	map.options.zoomSnap = 1;
	L.tileLayer(url, { maxZoom: 19 }).addTo(map);
	map.getContainer().classList.add("with-tiles");
}

export function start() {
	part("map", draw);
	// Without animations this canvas is always in step with the map.
	map = L.map("map", { zoomAnimation: false, fadeAnimation: false, markerZoomAnimation: false, zoomSnap: 0.25, minZoom: 1, maxZoom: 19,
		attributionControl: true, keyboard: false, zoomControl: false });
	L.control.zoom({ position: "bottomright" }).addTo(map);
	map.attributionControl.setPrefix("");
	map.createPane("graticule").style.zIndex = 250;
	lines = L.layerGroup().addTo(map);
	L.Path.mergeOptions({ renderer: L.svg({ padding: 0.6, pane: "graticule" }) });
	const pane = map.createPane("sources");
	pane.style.zIndex = 450;
	pane.style.pointerEvents = "none";
	canvas = document.createElement("canvas");
	canvas.className = "leaflet-layer";
	pane.appendChild(canvas);
	map.on("move zoom viewreset resize", () => redraw("map"));
	map.on("moveend", drawGraticule);
	map.on("click", (e) => {
		const s = hit(e.containerPoint);
		const { ctrlKey, metaKey } = e.originalEvent;
		if (s)
			(ctrlKey || metaKey ? toggle : select)(s.key);
	});
	map.on("mousemove", (e) => hover(e.containerPoint));
	map.on("mouseout", () => hover(null));
	map.setView([20, 0], 2);
	new ResizeObserver(() => {
		map.invalidateSize({ animate: false });
		fitUnchosen();
		redraw("map");
	}).observe(map.getContainer());
	const choose = () => {
		chosen = true;
	};
	map.on("dragstart", choose);
	map.getContainer().addEventListener("wheel", choose, { passive: true });
	map.getContainer().addEventListener("click", (e) => e.target.closest(".leaflet-control-zoom") && choose(), true);
	document.getElementById("map-fit").addEventListener("click", fit);
	document.getElementById("unselect").addEventListener("click", () => select(null));

	on("states", (message) => {
		// The first picture may have had no sources, and new ones may be far away.
		const n = model.sources.size;
		if (n > known && (!known || !allInside()))
			fitUnchosen();
		known = Math.max(known, n);
		if (!message.reset)
			extend();
		redraw("map");
	});
	on("chosen", () => redraw("map"));
	on("centre", () => {
		const s = selectedSource();
		if (!s || !s.placed)
			return;
		chosen = true;
		map.setView([s.lat, s.lng], map.getZoom(), { animate: false });
	});
	on("selected", () => {
		const s = selectedSource();
		if (s && s.placed && !map.getBounds().pad(-0.1).contains([s.lat, s.lng]))
			map.panTo([s.lat, s.lng], { animate: false });
		loadTrack();
		redraw("map");
	});
	let timer = 0;
	const loadSoon = () => {
		if (model.selected === null)
			return;
		clearTimeout(timer);
		timer = setTimeout(loadTrack, 250);
	};
	on("view began", loadSoon);
	// If only a part of the track is loaded, another part may be needed now.
	on("moved", () => track && (now() < track.from || now() > track.to) && loadSoon());
	on("hover", () => track && redraw("map"));
	on("colours", () => {
		readColours();
		redraw("map");
	});
}
