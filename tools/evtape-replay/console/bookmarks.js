// Bookmarks: a dialog that sets one at the deck's time, and lists, renames and removes
// them. They are the tape's own, as those of `evtape mark`.

import { get, post } from "./api.js";
import { model, on, emit, now } from "./model.js";
import { clock, day, rfc3339, ms } from "./times.js";
import { seek } from "./deck.js";

const $ = (id) => document.getElementById(id);
const dialog = $("bookmarks-dialog"), list = $("bookmarks-list"), state = $("bookmarks-state"), text = $("bookmark-text");

/** Where the next one is set. */
let at = 0;

const notes = () => model.marks.filter((m) => m.mark === "note");

export function take(got) {
	model.marks = got.marks.map((m) => ({ ...m, t: ms(m.time_ns) })).sort((a, b) => a.t - b.t);
	emit("marks");
}

/** Read them again: another page, or `evtape mark`, may have changed them. */
export async function reload() {
	try {
		take(await get("marks"));
	} catch (e) {
		// The connection is lost, which the page says elsewhere.
	}
}

/** Make the calls, one after the other; what went wrong is said in the dialog. */
async function change(words, ...bodies) {
	state.textContent = words;
	state.classList.remove("bad");
	try {
		for (const body of bodies)
			await post("marks", body);
		state.textContent = "";
	} catch (e) {
		state.textContent = e.message;
		state.classList.add("bad");
	}
	await reload();
}

function button(words, label, act) {
	const el = document.createElement("button");
	el.type = "button";
	el.textContent = words;
	el.setAttribute("aria-label", label);
	el.addEventListener("click", act);
	return el;
}

function cell(name, words) {
	const el = document.createElement("span");
	el.className = name;
	el.textContent = words;
	return el;
}

/** The text becomes a field; Enter renames it, Escape does not. */
function rename(m, row) {
	const input = document.createElement("input");
	input.type = "text";
	input.value = m.text;
	input.setAttribute("aria-label", "New text of " + m.text);
	input.addEventListener("keydown", (e) => {
		if (e.key !== "Enter" && e.key !== "Escape")
			return;
		e.preventDefault();
		e.stopPropagation();
		const name = input.value.trim();
		if (e.key === "Enter" && name && name !== m.text)
			change("renaming…", { time: m.time, text: name }, { remove: m.seq });
		else
			draw();
	});
	row.querySelector(".name").replaceWith(input);
	input.focus();
	input.select();
}

function row(m) {
	const el = document.createElement("div");
	el.className = "bookmark";
	el.setAttribute("role", "listitem");
	el.append(cell("at num dim", day(m.t) + " " + clock(m.t)), cell("name ellipsis", m.text),
		button("Go", "Go to " + m.text, () => {
			seek(m.time);
			dialog.close();
		}),
		button("Rename", "Rename " + m.text, () => rename(m, el)),
		button("Remove", "Remove " + m.text, () => change("removing…", { remove: m.seq })));
	return el;
}

function draw() {
	const all = notes();
	list.replaceChildren(...all.map(row));
	$("bookmarks-none").hidden = all.length > 0;
}

export function show() {
	at = now();
	$("bookmark-at").textContent = day(at) + " " + clock(at);
	text.value = "";
	state.textContent = "";
	draw();
	dialog.showModal();
	text.focus();
}

export function start() {
	$("bookmark").addEventListener("click", show);
	$("bookmark-form").addEventListener("submit", async (e) => {
		e.preventDefault();
		if (!text.value.trim())
			return;
		await change("setting it…", { time: rfc3339(at), text: text.value.trim() });
		if (!state.textContent)
			text.value = "";
	});
	on("marks zone", () => dialog.open && draw());
	addEventListener("focus", reload);
}
