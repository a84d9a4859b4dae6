// The tapes of the server's folder, if it was started with one: a list to search, from
// which another tape is opened.

import { get, post } from "./api.js";
import { model, on } from "./model.js";
import { fold } from "./words.js";
import { day, seconds, span, bytes, count, ms } from "./times.js";

const $ = (id) => document.getElementById(id);
const dialog = $("tapes-dialog"), list = $("tapes-list"), state = $("tapes-state"), input = $("tapes-search");

let tapes = [];

function cell(name, value) {
	const el = document.createElement("span");
	el.className = name;
	el.textContent = value;
	return el;
}

const some = (n, what) => (n ? count(n) + " " + what + (n === 1 ? "" : "s") : "");

function when(t) {
	if (t.error)
		return "cannot be read: " + t.error;
	if (!t.frames)
		return "empty";
	return day(ms(t.first_ns)) + " " + seconds(ms(t.first_ns)) + ", " + span(ms(t.last_ns - t.first_ns));
}

const facts = (t) => (t.error ? "" : [some(t.sources, "source"), some(t.gaps, "gap"), some(t.bookmarks, "bookmark"), bytes(t.stored_bytes),
	t.live ? "recording" : "", t.damaged ? "damaged" : ""].filter((x) => x).join(", "));

const texts = (t) => [...(t.label_list || []), ...(t.bookmark_list || []).map((b) => b.text)];

async function choose(name) {
	state.textContent = "opening " + name;
	try {
		await post("open", { name });
		// The server begins again, and main.js sees that it has another tape.
		if (name === model.tape.open)
			dialog.close();
	} catch (e) {
		state.textContent = e.message;
	}
}

function row(t) {
	const el = document.createElement("button");
	el.type = "button";
	el.className = "tape";
	el.disabled = Boolean(t.error);
	if (t.name === model.tape.open)
		el.setAttribute("aria-current", "true");
	el.append(cell("name ellipsis", t.name), cell("num", when(t)), cell("dim", facts(t)), cell("dim ellipsis", texts(t).join(", ")));
	el.addEventListener("click", () => choose(t.name));
	return el;
}

function draw() {
	const wanted = fold(input.value.trim());
	const shown = tapes.filter((t) => fold([t.name, when(t), ...texts(t)].join("\n")).includes(wanted));
	list.replaceChildren(...shown.map(row));
	state.textContent = shown.length === tapes.length ? some(tapes.length, "tape") : shown.length + " of " + some(tapes.length, "tape");
}

async function show() {
	input.value = "";
	list.replaceChildren();
	state.textContent = "loading";
	dialog.showModal();
	try {
		tapes = (await get("tapes")).tapes.reverse();
		draw();
	} catch (e) {
		state.textContent = e.message;
	}
}

export function start() {
	$("tapes").addEventListener("click", show);
	input.addEventListener("input", draw);
	on("tape", () => {
		$("tapes").hidden = model.tape.open === null;
	});
}
