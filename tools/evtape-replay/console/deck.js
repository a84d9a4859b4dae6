// The controls of the shared deck.

import { post } from "./api.js";
import { model, now, setDeck, emit } from "./model.js";
import { rfc3339 } from "./times.js";

export const SPEEDS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, "max"];

let noticeTimer = 0;
export function notice(text) {
	const box = document.getElementById("notice");
	box.textContent = text;
	box.hidden = false;
	clearTimeout(noticeTimer);
	noticeTimer = setTimeout(() => {
		box.hidden = true;
	}, 6000);
}

async function act(name, body, jump) {
	const heard = model.heard;
	try {
		const deck = await post("deck/" + name, body);
		// The response and the messages of the socket may overtake each other: what
		// came meanwhile, or will come, is no older.
		if (model.heard === heard)
			setDeck(deck, jump);
		return true;
	} catch (e) {
		notice(e.message);
		return false;
	}
}

export const play = () => act("play");

export function pause() {
	setFollow(false);
	return act("pause");
}

export const toggle = () => (model.deck && model.deck.playing ? pause() : play());

export function step() {
	setFollow(false);
	return act("step", {}, true);
}

export const speed = (value) => act("speed", { speed: value });

/** The next speed of the list, up (1) or down (-1). */
export function faster(by) {
	const at = model.deck ? model.deck.speed : 1;
	const values = SPEEDS.map((s) => (s === "max" ? Infinity : s));
	const value = at === "max" ? Infinity : at;
	const i = by > 0 ? values.findIndex((s) => s > value) : values.findLastIndex((s) => s < value);
	if (i >= 0)
		speed(SPEEDS[i]);
}

// While a seek is under way only the newest target is kept: a user who holds an
// arrow key wants to end where the key is released.
let seeking = false, wanted = null;

/** Seek to a time: milliseconds, or text as the API takes it. */
export async function seek(to, keepFollow) {
	if (!keepFollow)
		setFollow(false);
	wanted = typeof to === "number" ? rfc3339(to) : to;
	if (seeking)
		return;
	seeking = true;
	while (wanted !== null) {
		const body = { to: wanted };
		wanted = null;
		emit("seek");
		await act("seek", body, true);
	}
	seeking = false;
}

/** Seek to a time as people write it, local ones in this zone. What is wrong with it, or null. */
export async function goTo(text, zone) {
	const heard = model.heard;
	setFollow(false);
	emit("seek");
	try {
		const deck = await post("deck/seek", { to: text, zone });
		if (model.heard === heard)
			setDeck(deck, true);
		return null;
	} catch (e) {
		return e.message;
	}
}

/** Seek by milliseconds, from the time shown or from the pending target. */
export function seekBy(delta) {
	const from = wanted !== null ? Date.parse(wanted) : now();
	seek(Math.max(model.first, Math.min(model.last, from + delta)));
}

export function loopBegin() {
	model.loopFrom = now();
	const loop = model.deck && model.deck.loop;
	if (loop && loop.to_ns / 1e6 > model.loopFrom)
		act("loop", { from: rfc3339(model.loopFrom), to: rfc3339(loop.to_ns / 1e6) });
	emit("deck");
}

export async function loopEnd() {
	const loop = model.deck && model.deck.loop;
	const from = model.loopFrom !== null ? model.loopFrom : loop ? loop.from_ns / 1e6 : model.first;
	const to = now();
	if (to <= from) {
		notice("A loop must end after it starts: set A first, play on, then set B.");
		return;
	}
	if (await act("loop", { from: rfc3339(from), to: rfc3339(to) }))
		model.loopFrom = null;
	emit("deck");
}

export function loopClear() {
	model.loopFrom = null;
	return act("loop", {});
}

export const setWindow = (from, to) => act("window", { from: rfc3339(from), to: rfc3339(to) });
export const clearWindow = () => act("window", {});

export const filter = (sources, events) => act("filter", {
	...(sources.length ? { sources } : {}),
	...(events.length ? { events } : {}),
});

/** Stay at the end of a tape that grows. */
export async function setFollow(on) {
	if (model.follow === on)
		return;
	model.follow = on;
	emit("follow");
	if (!on)
		return;
	if (model.deck && typeof model.deck.speed === "number" && model.deck.speed < 1)
		await speed(1);
	await seek(model.last, true);
	if (model.follow)
		await play();
}

/** Seek to the next bookmark (1) or the one before (-1). */
export function toMark(by) {
	const notes = model.marks.filter((m) => m.mark === "note");
	const at = now();
	const mark = by > 0 ? notes.find((m) => m.t > at + 1) : notes.findLast((m) => m.t < at - 1000);
	if (mark)
		seek(mark.time);
}
