// Searches for values, jumps and silences: the box below the timeline, the list of
// hits, and the keys that go from one to the next. docs/find.md has the expressions.

import { get } from "./api.js";
import { model, on, emit, now, select } from "./model.js";
import { part, redraw } from "./draw.js";
import { clock, day, span, rfc3339, count, ms } from "./times.js";
import { seek } from "./deck.js";

const LIMIT = 1000;

const $ = (id) => document.getElementById(id);
const input = $("find"), list = $("hits"), state = $("find-state"), go = $("find-go");

let aborter = null;
let made = null;

/** A value in few characters: a text without quotes. */
const text = (v) => (typeof v === "string" ? v : JSON.stringify(v));

function reason(r) {
	if (!r.name)
		return "";
	const value = r.unit === "s" ? span(r.value * 1000) : text(r.value) + (r.unit ? " " + r.unit : "");
	const was = r.before === null ? "" : " (was " + text(r.before) + ")";
	return r.name + " " + value + was;
}

const what = (hit) => [hit, ...(hit.also || [])].map(reason).filter((t) => t).join(", ") + (hit.open ? ", until the end" : "");

const who = (hit) => hit.label ?? (hit.source === null ? "" : String(hit.source));

function cell(name, value) {
	const el = document.createElement("span");
	el.className = name;
	el.textContent = value;
	return el;
}

/** Where its frame is, a little after it: so that the deck has played it. */
function show(i) {
	const hit = model.hits[i];
	if (!hit)
		return;
	model.hit = i;
	seek(hit.t + 1);
	if (hit.source !== null)
		select(String(hit.source));
	redraw("hits");
	emit("hits");
}

/** Go to the next hit (1) or the one before (-1): from the one that was shown, or from
 * the deck's time. */
export function toHit(by) {
	const { hits, hit } = model;
	if (!hits.length)
		return;
	if (hit !== null)
		show(Math.max(0, Math.min(hits.length - 1, hit + by)));
	else
		show(by > 0 ? hits.findIndex((h) => h.t > now()) : hits.findLastIndex((h) => h.t < now()));
}

function row(hit, i) {
	const el = document.createElement("button");
	el.type = "button";
	el.className = "hit";
	el.setAttribute("role", "option");
	el.title = hit.time;
	el.append(cell("at", day(hit.t) + " " + clock(hit.t)), cell("who ellipsis", who(hit)), cell("what ellipsis", what(hit)));
	el.addEventListener("click", () => show(i));
	return el;
}

function draw() {
	if (made !== model.hits) {
		made = model.hits;
		list.replaceChildren(...made.map(row));
		list.scrollTop = 0;
	}
	list.hidden = !made.length;
	for (const id of ["find-next", "find-previous", "find-clear"])
		$(id).hidden = !made.length;
	[...list.children].forEach((el, i) => {
		const chosen = i === model.hit;
		if ((el.getAttribute("aria-selected") === "true") === chosen)
			return;
		el.setAttribute("aria-selected", chosen);
		if (chosen)
			el.scrollIntoView({ block: "nearest" });
	});
	go.textContent = aborter ? "Stop" : "Find";
}

function take(hits) {
	model.hits = hits.map((h) => ({ ...h, t: ms(h.time_ns) })).sort((a, b) => a.t - b.t);
	model.hit = null;
	redraw("hits");
	emit("hits");
}

function say(words, bad) {
	state.textContent = words;
	state.classList.toggle("bad", Boolean(bad));
	input.setAttribute("aria-invalid", Boolean(bad));
}

/** An error of the server names a column: put the caret there. */
function wrong(words) {
	const column = /^column (\d+): /.exec(words);
	say(words, true);
	if (!column)
		return;
	const at = [...input.value].slice(0, column[1] - 1).join("").length;
	input.focus();
	input.setSelectionRange(at, at);
}

function stop() {
	if (aborter)
		aborter.abort();
	aborter = null;
}

/** Search the time that the timeline shows. */
export async function find(expression) {
	stop();
	input.value = expression;
	model.find = expression;
	take([]);
	emit("found");
	if (!expression.trim()) {
		say("");
		return;
	}
	const mine = aborter = new AbortController();
	const { from, to, fit } = model.view;
	say("searching…");
	redraw("hits");
	try {
		const got = await get("find", {
			q: expression, limit: LIMIT,
			from: fit ? null : rfc3339(Math.max(from, model.first)),
			to: fit ? null : rfc3339(Math.min(to, model.last) + 1),
		}, mine.signal);
		take(got.hits);
		say((got.more ? "first " : "") + (got.hits.length ? count(got.hits.length) + (got.hits.length === 1 ? " hit" : " hits") : "nothing found") +
			" in " + count(got.frames) + " frames" + (fit ? "" : " of the time shown"));
	} catch (e) {
		if (e.name === "AbortError") {
			if (aborter === mine)
				say("stopped");
			return;
		}
		wrong(e.message);
	} finally {
		if (aborter === mine)
			aborter = null;
		redraw("hits");
	}
}

export function start() {
	part("hits", draw);
	$("find-form").addEventListener("submit", (e) => {
		e.preventDefault();
		if (!aborter) {
			find(input.value);
			return;
		}
		stop();
		say("stopped");
		redraw("hits");
	});
	$("find-next").addEventListener("click", () => toHit(1));
	$("find-previous").addEventListener("click", () => toHit(-1));
	$("find-clear").addEventListener("click", () => find(""));
	on("hits", () => redraw("hits"));
	on("zone", () => {
		made = null;
		redraw("hits");
	});
}
