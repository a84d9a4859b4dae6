// The list of sources. Only the visible rows are in the page.

import { model, on, now, select, toggle, choose } from "./model.js";
import { part, redraw } from "./draw.js";
import { age, count } from "./times.js";
import { matcher, wordsOf } from "./words.js";

const ROW = 30;
const list = document.getElementById("sources");
const space = document.getElementById("sources-space");
const search = document.getElementById("search");
const status = document.getElementById("status");
const total = document.getElementById("sources-count");
const none = document.getElementById("sources-none");
const heads = document.getElementById("heads");

let order = [];
/** The row that keys of the list act on: the focused source, unless the user went on from it
 * without selecting. And the other end of a range. */
let active = null, anchor = null;
/** The list got the focus, or was moved in, by keys. */
let byKeys = false;
let sort = { by: "label", down: false };
const rows = [];
const collator = new Intl.Collator("en", { numeric: true });

const KEYS = {
	label: (a, b) => collator.compare(a.name, b.name),
	status: (a, b) => collator.compare(a.status, b.status),
	speed: (a, b) => (a.speed ?? -1) - (b.speed ?? -1),
	age: (a, b) => (b.t ?? -Infinity) - (a.t ?? -Infinity) || 0,
};

/** Which sources are shown, in which order. */
function arrange() {
	const matches = matcher(model.search);
	order = [];
	for (const s of model.sources.values())
		if ((!model.status || s.status === model.status) && matches(wordsOf(s)))
			order.push(s);
	const compare = KEYS[sort.by];
	// Equal rows are ordered by name, or they would change places at random.
	order.sort((a, b) => (sort.down ? -1 : 1) * compare(a, b) || (sort.by === "label" ? 0 : KEYS.label(a, b)));
	space.style.height = order.length * ROW + "px";
	const all = model.sources.size;
	none.hidden = order.length > 0;
	none.textContent = all ? "No source matches." : !model.deck ? "Loading…" : !model.tape || model.tape.sources ? "No source had sent anything by then." :
		"No frame of this tape names a source.";
	const text = order.length === all ? count(all) : count(order.length) + " of " + count(all);
	if (total.textContent !== text)
		total.textContent = text;
}

function makeRow() {
	const el = document.createElement("div");
	el.className = "row";
	el.setAttribute("role", "option");
	const cells = {};
	for (const name of ["dot", "name", "state", "speed", "age"]) {
		cells[name] = document.createElement("span");
		cells[name].className = name;
		el.appendChild(cells[name]);
	}
	cells.dot.setAttribute("aria-hidden", "true");
	space.appendChild(el);
	return { el, cells, seen: {} };
}

// Text that does not change is not written: this makes a full list
// cheap at five changes a second.
function put(row, name, value, write) {
	if (row.seen[name] !== value) {
		row.seen[name] = value;
		write(value);
	}
}

function fill(row, s, i, at) {
	const { el, cells } = row;
	put(row, "i", i, (v) => {
		el.style.transform = "translateY(" + v * ROW + "px)";
		el.setAttribute("aria-posinset", v + 1);
	});
	put(row, "n", order.length, (v) => el.setAttribute("aria-setsize", v));
	put(row, "key", s.key, (v) => {
		el.dataset.source = v;
		el.id = "source-" + v;
		el.title = "id " + v + (s.tracker ? ", tracker " + s.tracker : "");
	});
	put(row, "selected", model.chosen.has(s.key), (v) => el.setAttribute("aria-selected", v));
	put(row, "active", s.key === active, (v) => el.classList.toggle("active", v));
	put(row, "differs", model.differs.get(s.key) || 0, (v) => {
		cells.name.dataset.differs = v || "";
		cells.name.title = v ? v + (v === 1 ? " difference" : " differences") + " to the other tape" : "";
	});
	put(row, "status", s.status, (v) => {
		cells.dot.dataset.status = v;
		cells.state.textContent = v;
	});
	put(row, "name", s.name, (v) => {
		cells.name.textContent = v;
	});
	put(row, "speed", typeof s.speed === "number" ? String(Math.round(s.speed)) : "–", (v) => {
		cells.speed.textContent = v;
	});
	put(row, "age", s.t === null ? "–" : age(at - s.t), (v) => {
		cells.age.textContent = v;
	});
}

let arranged = 0, stale = true;
function draw(time) {
	// An order by speed could change with each message; the list must stay readable.
	if (stale || time - arranged > 1000) {
		arrange();
		arranged = time;
		stale = false;
	}
	const top = Math.max(0, Math.floor(list.scrollTop / ROW) - 2);
	const n = Math.max(0, Math.min(order.length - top, Math.ceil(list.clientHeight / ROW) + 4));
	const at = now();
	while (rows.length < n)
		rows.push(makeRow());
	for (let i = 0; i < rows.length; i++) {
		const shown = i < n;
		put(rows[i], "shown", shown, (v) => {
			rows[i].el.hidden = !v;
		});
		if (shown)
			fill(rows[i], order[top + i], top + i, at);
		else if (rows[i].seen.key !== undefined) {
			rows[i].seen.key = undefined;
			delete rows[i].el.dataset.source;
			rows[i].el.removeAttribute("id");
		}
	}
	const focused = active !== null && document.getElementById("source-" + active);
	if (focused)
		list.setAttribute("aria-activedescendant", focused.id);
	else
		list.removeAttribute("aria-activedescendant");
}

function again() {
	stale = true;
	redraw("sources");
}

const place = (key) => order.findIndex((s) => s.key === key);

/** Select from the range's other end to this row. */
function chooseTo(key) {
	const a = place(anchor), b = place(key);
	if (a < 0) {
		select(key);
		return;
	}
	const kept = anchor;
	choose(order.slice(Math.min(a, b), Math.max(a, b) + 1).map((s) => s.key), key);
	anchor = kept;
}

function toggleAt(key) {
	toggle(key);
	anchor = active = key;
}

/** Scroll the active row into view. */
function reveal() {
	const i = place(active);
	if (i < 0)
		return;
	const top = i * ROW;
	if (top < list.scrollTop)
		list.scrollTop = top;
	else if (top + ROW > list.scrollTop + list.clientHeight)
		list.scrollTop = top + ROW - list.clientHeight;
}

export function start() {
	part("sources", draw);
	list.addEventListener("scroll", () => redraw("sources"), { passive: true });
	new ResizeObserver(() => {
		// The column heads have no scroll bar.
		heads.style.paddingRight = list.offsetWidth - list.clientWidth + 10 + "px";
		redraw("sources");
	}).observe(list);
	list.addEventListener("click", (e) => {
		const row = e.target.closest("[data-source]");
		if (!row)
			return;
		if (e.shiftKey)
			chooseTo(row.dataset.source);
		else
			(e.ctrlKey || e.metaKey ? toggleAt : select)(row.dataset.source);
		redraw("sources");
	});
	// Shift and a click would select text.
	list.addEventListener("mousedown", (e) => e.shiftKey && e.preventDefault());
	list.addEventListener("pointerdown", () => {
		byKeys = false;
	});
	list.addEventListener("focus", () => {
		byKeys = list.matches(":focus-visible");
	});
	list.addEventListener("keydown", (e) => {
		const by = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -Infinity, End: Infinity }[e.key];
		const other = e.ctrlKey || e.metaKey;
		if (!order.length || e.altKey)
			return;
		if (other && e.key === "a") {
			e.preventDefault();
			choose(order.map((s) => s.key), active);
			return;
		}
		// After a click the space bar plays, as everywhere.
		if (e.key === " " && byKeys && active !== null) {
			e.preventDefault();
			toggleAt(active);
			redraw("sources");
			return;
		}
		if (!by)
			return;
		e.preventDefault();
		byKeys = true;
		const i = place(active);
		const { key } = order[Math.max(0, Math.min(order.length - 1, i < 0 && by === 1 ? 0 : i + by))];
		if (e.shiftKey)
			chooseTo(key);
		else if (!other)
			select(key);
		active = key;
		reveal();
		redraw("sources");
	});
	search.addEventListener("input", () => {
		model.search = search.value.trim();
		list.scrollTop = 0;
		again();
	});
	search.addEventListener("keydown", (e) => {
		if (e.key === "Enter" && order.length)
			select(order[0].key);
		if (e.key === "ArrowDown") {
			e.preventDefault();
			list.focus();
		}
	});
	status.addEventListener("change", () => {
		model.status = status.value;
		list.scrollTop = 0;
		again();
	});
	document.querySelectorAll("[data-sort]").forEach((button) => button.addEventListener("click", () => {
		const by = button.dataset.sort;
		// Sorting by speed starts with the highest.
		sort = { by, down: sort.by === by ? !sort.down : by === "speed" };
		document.querySelectorAll("[data-sort]").forEach((b) => {
			b.setAttribute("aria-pressed", b === button);
			b.dataset.down = b === button && sort.down;
		});
		again();
	}));

	let known = 0;
	on("states", (message) => {
		if (message.reset || model.sources.size !== known)
			stale = true;
		known = model.sources.size;
		redraw("sources");
	});
	on("differs words", again);
	on("searched", () => {
		search.value = model.search;
		status.value = model.status;
		again();
	});
	on("chosen", () => redraw("sources"));
	on("selected", () => {
		active = anchor = model.selected;
		reveal();
		redraw("sources");
	});
}
