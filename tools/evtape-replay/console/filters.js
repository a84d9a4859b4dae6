// What the deck plays: which events, which source, which time.

import { model, on, chosenIds } from "./model.js";
import { part, redraw } from "./draw.js";
import { count, ms, seconds } from "./times.js";
import { eventColour, eventName } from "./timeline.js";
import * as deck from "./deck.js";

const $ = (id) => document.getElementById(id);
const legend = $("legend"), only = $("only"), marks = $("marks");

const filter = () => (model.deck && model.deck.filter) || { sources: [], events: [] };

function chip(e) {
	const button = document.createElement("button");
	button.type = "button";
	button.className = "chip";
	button.dataset.event = e.name ?? "";
	const dot = document.createElement("span");
	dot.className = "dot";
	const n = document.createElement("span");
	n.className = "dim num";
	button.append(dot, eventName(e.name) + " ", n);
	// Frames without an event have no name to filter by.
	button.disabled = e.name === null;
	button.title = e.name === null ? "Frames without an event" : "Play only " + e.name;
	button.addEventListener("click", () => {
		const f = filter();
		deck.filter(f.sources, f.events.includes(e.name) ? f.events.filter((x) => x !== e.name) : f.events.concat(e.name));
	});
	return button;
}

function draw() {
	const events = model.tape ? model.tape.events : [];
	while (legend.childElementCount < events.length)
		legend.append(chip(events[legend.childElementCount]));
	const f = filter();
	events.forEach((e, i) => {
		const button = legend.children[i];
		button.firstChild.style.background = eventColour(e.name);
		button.setAttribute("aria-pressed", f.events.includes(e.name));
		button.classList.toggle("muted", f.events.length > 0 && !f.events.includes(e.name));
		const text = count(e.frames);
		if (button.lastChild.textContent !== text)
			button.lastChild.textContent = text;
	});
	const some = f.sources.length > 0;
	only.disabled = !some && !model.chosen.size;
	only.setAttribute("aria-pressed", some);
	only.textContent = some ? "Only " + f.sources.slice(0, 2).map((id) => model.sources.get(String(id))?.name ?? id).join(", ") +
		(f.sources.length > 2 ? " +" + (f.sources.length - 2) : "") : "Only selected";
	const w = model.deck && model.deck.window;
	$("window-clear").hidden = !w;
	if (w) {
		const end = (ns) => (ns === null || ns === undefined ? "…" : seconds(ms(ns)));
		$("window-clear").textContent = "Only " + end(w.from_ns) + "–" + end(w.to_ns) + " ×";
	}
	$("window-set").disabled = !model.tape || model.view.fit;
}

function drawMarks() {
	const notes = model.marks.filter((m) => m.mark === "note");
	marks.hidden = !notes.length;
	marks.replaceChildren(new Option("Bookmarks (" + notes.length + ")", ""));
	for (const m of notes.slice(0, 1000))
		marks.append(new Option(seconds(m.t) + "  " + m.text, m.time));
}

export function start() {
	part("filters", draw);
	part("marks", drawMarks);
	only.addEventListener("click", () => {
		const f = filter();
		if (f.sources.length)
			deck.filter([], f.events);
		else if (model.chosen.size)
			deck.filter(chosenIds(), f.events);
	});
	$("window-set").addEventListener("click", () =>
		deck.setWindow(Math.max(model.view.from, model.first), Math.min(model.view.to, model.last + 0.001)));
	$("window-clear").addEventListener("click", deck.clearWindow);
	marks.addEventListener("change", () => {
		if (marks.value)
			deck.seek(marks.value);
		marks.value = "";
	});
	on("deck tape chosen view colours", () => redraw("filters"));
	on("marks zone", () => redraw("marks"));
	on("zone", () => redraw("filters"));
}
