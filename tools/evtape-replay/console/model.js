// The state of the page, and the subscribers to its changes.

import { ms } from "./times.js";

export const model = {
	tape: null,
	first: 0,
	last: 0,
	deck: null,
	/** String of the id -> source; see takeStates(). */
	sources: new Map(),
	/** The keys of the selected sources, in the order in which they were selected,
	 * and the one of them that has the card, the track and the focus of the list. */
	chosen: new Set(),
	selected: null,
	gaps: [],
	marks: [],
	/** The expression that was searched for, its hits by time, and the one that is
	 * shown: its number. */
	find: "",
	hits: [],
	hit: null,
	/** How many differences to a compared tape each source has, by its key. */
	differs: new Map(),
	/** The time under the pointer, on any of the axes; null: none. */
	hover: null,
	/** The span of the timeline; fit: the whole tape, also as it grows. */
	view: { from: 0, to: 1, fit: true },
	follow: false,
	search: "",
	status: "",
	/** Start of a loop that has no end yet. */
	loopFrom: null,
	/** Whether a source is silent at a time of the deck: health.js knows its rhythm. */
	isSilent: () => false,
	/** How many messages gave the position of the deck. */
	heard: 0,
};

const listeners = new Map();

export function on(names, fn) {
	for (const name of names.split(" ")) {
		if (!listeners.has(name))
			listeners.set(name, []);
		listeners.get(name).push(fn);
	}
}

export function emit(name, detail) {
	for (const fn of listeners.get(name) || [])
		fn(detail);
}

// The deck's time between two messages of it: it goes on at the deck's speed,
// but not far beyond what was heard, and not back for the delay of a message.
const AHEAD = 1200;
let base = 0, since = 0, rate = 0, limit = 0;

export function now() {
	if (!rate)
		return base;
	return Math.min(base + (performance.now() - since) * rate, limit);
}

function setTime(t, jump) {
	const shown = now();
	limit = Math.min(t + AHEAD * rate, end());
	base = !jump && rate && shown > t && shown <= t + AHEAD * rate ? shown : t;
	since = performance.now();
}

/** Where playing ends or starts again. */
function end() {
	const d = model.deck;
	if (d && d.loop)
		return ms(d.loop.to_ns);
	if (d && d.window && d.window.to_ns !== null && d.window.to_ns !== undefined)
		return Math.min(model.last || Infinity, ms(d.window.to_ns));
	return model.last || Infinity;
}

/** jump: the time may go back, after a seek. */
export function setDeck(deck, jump) {
	const before = model.deck;
	model.deck = deck;
	const runs = deck.playing && !deck.ended && !deck.live && typeof deck.speed === "number";
	const changed = !before || before.playing !== deck.playing || before.speed !== deck.speed;
	const next = runs ? deck.speed : 0;
	if (next !== rate) {
		base = now();
		since = performance.now();
		rate = next;
	}
	setTime(ms(deck.time_ns), jump || changed);
	emit("deck");
}

export const running = () => Boolean(model.deck && model.deck.playing && !model.deck.ended);

/** The status of a source, in one word. */
export function statusOf(s) {
	if (s.blocked)
		return "blocked";
	if (s.connection && s.connection !== "active" && s.connection !== "idle")
		return "offline";
	if (model.isSilent(s, now()))
		return "silent";
	return s.movement || (s.connection ? s.connection : "unknown");
}

// Web Mercator, with the whole world as 1 by 1.
const RAD = Math.PI / 180;
export function project(lat, lng) {
	const sin = Math.sin(Math.max(-85.0511, Math.min(85.0511, lat)) * RAD);
	return [lng / 360 + 0.5, 0.5 - Math.log((1 + sin) / (1 - sin)) / (4 * Math.PI)];
}

export function takeStates(message) {
	model.heard++;
	if (message.reset)
		model.sources.clear();
	for (const state of message.sources) {
		const key = String(state.id);
		// References to a source see its newest state.
		if (state.removed) {
			model.sources.delete(key);
			continue;
		}
		const known = model.sources.get(key);
		const s = known ? Object.assign(known, state) : state;
		s.key = key;
		s.t = s.time_ns === null || s.time_ns === undefined ? null : ms(s.time_ns);
		s.name = s.label || key;
		s.status = statusOf(s);
		s.placed = typeof s.lat === "number" && typeof s.lng === "number";
		if (s.placed)
			[s.x, s.y] = project(s.lat, s.lng);
		if (!known)
			model.sources.set(key, s);
	}
	if (typeof message.at_ns === "number" && model.deck)
		setTime(ms(message.at_ns), message.reset);
	emit("states", message);
}

export function setTape(tape) {
	model.tape = tape;
	model.first = ms(tape.first_ns || 0);
	model.last = Math.max(model.first, ms(tape.last_ns || 0));
	emit("tape");
}

/** A recorder added frames; their number is read now and then. */
export function grow(last) {
	if (!model.tape || last <= model.last)
		return;
	model.last = last;
	// What was recorded before the first frame has no begin.
	if (!model.first)
		model.first = last;
	emit("grown");
}

/** Select these sources and no others; `focus`: one of them, or the last. */
export function choose(keys, focus) {
	const chosen = new Set([...keys].map(String));
	focus = chosen.has(String(focus)) ? String(focus) : [...chosen].pop() ?? null;
	const moved = focus !== model.selected;
	const changed = chosen.size !== model.chosen.size || [...chosen].some((key) => !model.chosen.has(key));
	model.chosen = chosen;
	model.selected = focus;
	if (changed)
		emit("chosen");
	if (moved)
		emit("selected");
}

/** Select one source, or none: null. */
export const select = (key) => choose(key === null || key === undefined ? [] : [key]);

/** Select a source too, or no longer. */
export function toggle(key) {
	key = String(key);
	choose(model.chosen.has(key) ? [...model.chosen].filter((k) => k !== key) : [...model.chosen, key]);
}

/** The id as the tape has it: a number and a text are two sources. */
export function idOf(key) {
	const s = model.sources.get(key);
	return s ? s.id : /^-?\d+$/.test(key) ? Number(key) : key;
}

/** The ids of the selected sources, the one with the focus first. */
export const chosenIds = () => [...model.chosen].sort((a, b) => (b === model.selected) - (a === model.selected)).map(idOf);

export const selectedSource = () => (model.selected === null ? null : model.sources.get(model.selected) || null);
