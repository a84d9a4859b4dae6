// The WebSocket clients of the server: who they are, what they asked for, and the last
// messages of the one that is open. The server has the texts; docs/control.md.

import { get } from "./api.js";
import { on } from "./model.js";
import { part, redraw } from "./draw.js";
import { clock, day, span, bytes, count, ms } from "./times.js";
import { pretty } from "./json.js";

/** Messages in the page. */
const MOST = 400;
const BEHIND = 4096;
const SIDES = { stream: "stream", standin: "stand-in", control: "control" };

const $ = (id) => document.getElementById(id);
const list = $("clients"), total = $("clients-count"), badge = $("clients-n"), none = $("clients-none");

/** Number -> what the server says of it; and its row. */
const clients = new Map(), rows = new Map();
/** The one whose messages are shown: { id, body, sent, received, paused, missed }. */
let open = null;

function el(tag, name, value) {
	const out = document.createElement(tag);
	out.className = name;
	if (value !== undefined)
		out.textContent = value;
	return out;
}

function button(text, title, act) {
	const out = el("button", "", text);
	out.type = "button";
	out.title = title;
	out.addEventListener("click", act);
	return out;
}

const some = (n, what) => count(n) + " " + what + (n === 1 ? "" : "s");
const stateOf = (c) => (c.ended ? (c.ended.cut_off ? "cut off" : "left") : c.sent.stalled_ns > 1e9 ? "stalled" : "connected");

function asked(c) {
	if (c.asked !== null)
		return c.asked;
	if (c.kind === "stream")
		return "every frame of " + (c.deck === "own" ? "a deck of its own" : "the shared deck");
	if (c.kind === "control")
		return "changes of the deck" + (c.query.with ? ", " + c.query.with.split(",").join(", ") : "");
	return "nothing yet";
}

function how(c) {
	const e = c.ended;
	const by = { client: "the client", server: "the server", network: "the network" }[e.by];
	return (e.cut_off ? "cut off" : "ended by " + by) + (e.code === null ? "" : ", code " + e.code) + (e.reason ? ": " + e.reason : "");
}

function put(cell, text) {
	if (cell.textContent !== text)
		cell.textContent = text;
}

function fill(row, c) {
	const { cells } = row;
	// A message on its way is no delay.
	const behind = c.sent.waiting_bytes > BEHIND ? bytes(c.sent.waiting_bytes) + " behind" : "";
	cells.dot.dataset.state = stateOf(c);
	put(cells.no, String(c.id));
	put(cells.kind, SIDES[c.kind] + (c.deck === "own" ? ", own deck" : ""));
	put(cells.state, c.ended ? stateOf(c) : behind || stateOf(c));
	put(cells.sent, count(c.sent.messages) + " / " + count(c.received.messages));
	cells.sent.title = some(c.sent.messages, "message") + " sent to it, " + some(c.received.messages, "message") + " received from it";
	put(cells.what, c.ended ? how(c) : asked(c));
	cells.what.title = cells.what.textContent;
	put(cells.agent, c.address + (c.user_agent ? " · " + c.user_agent : ""));
	row.el.dataset.state = stateOf(c);
}

function makeRow(id) {
	const row = { el: el("details", "client"), cells: {} };
	const head = document.createElement("summary");
	for (const name of ["dot", "no", "kind", "state", "sent", "what", "agent"]) {
		row.cells[name] = el("span", name);
		head.append(row.cells[name]);
	}
	row.el.dataset.client = id;
	row.el.append(head);
	row.el.addEventListener("toggle", () => (row.el.open ? show(id) : hide(id)));
	return row;
}

/* ---- the one that is open ---- */

function message(m) {
	const out = el("details", "message");
	const head = document.createElement("summary");
	const text = m.text ?? "base64: " + m.base64;
	out.dataset.way = m.way;
	head.append(el("span", "at", clock(ms(m.time_ns))), el("span", "way", m.way === "sent" ? "→ to it" : "← from it"),
		el("span", "num", bytes(m.bytes)), el("span", "what", (m.waiting ? "(not taken yet) " : "") + text.slice(0, 200).replace(/^\{"type":"event",/, "{…")));
	out.append(head);
	out.addEventListener("toggle", () => {
		if (!out.open) {
			out.lastChild.remove();
			return;
		}
		let value;
		try {
			value = m.cut ? undefined : JSON.parse(text);
		} catch (e) {
			// It is shown as it is.
		}
		const body = value !== null && typeof value === "object" ? pretty(value, null) : el("pre", "", text);
		if (m.cut)
			body.append(el("span", "dim", "… (" + bytes(m.bytes) + ")"));
		out.append(body);
	});
	return out;
}

function fact(name, value) {
	const out = document.createElement("div");
	out.append(el("dt", "dim", name), el("dd", "", value));
	return out;
}

function facts(c) {
	const out = el("dl", "facts");
	const query = Object.entries(c.query).map(([name, value]) => name + "=" + value).join("&");
	const since = ms(c.since_ns), last = c.sent.last_ns;
	out.append(fact("connected", day(since) + " " + clock(since)),
		fact("asked for", asked(c)),
		fact("path", c.path + (query ? "?" + query : "")),
		fact("sent", some(c.sent.messages, "message") + ", " + bytes(c.sent.bytes) + (last ? ", last " + clock(ms(last)) : "")),
		fact("behind", c.sent.waiting_bytes ? bytes(c.sent.waiting_bytes) + (c.sent.stalled_ns > 1e9 ? ", nothing taken for " + span(c.sent.stalled_ns / 1e6) : "") : "no"));
	for (const [name, value] of [["program", c.user_agent], ["origin", c.origin], ["forwarded for", c.forwarded_for]])
		if (value)
			out.append(fact(name, value));
	if (c.ended)
		out.append(fact("ended", clock(ms(c.ended.time_ns)) + ", " + how(c)));
	for (const text of c.requests)
		out.append(fact("request", text));
	return out;
}

function drawOpen() {
	const c = clients.get(open.id);
	open.facts.replaceChildren(facts(c));
	put(open.pause, open.paused ? "Go on" + (open.missed ? " (new)" : "") : "Pause");
	open.pause.setAttribute("aria-pressed", open.paused);
}

/** Text must not move away while the user reads it. */
function add(messages) {
	const { log } = open;
	for (const m of messages) {
		const before = open[m.way];
		if (m.no > before + 1 && before)
			log.prepend(el("div", "dim missing", some(m.no - before - 1, "message") + " not kept"));
		open[m.way] = m.no;
		log.prepend(message(m));
	}
	while (log.childElementCount > MOST)
		log.lastElementChild.remove();
	open.nothing.hidden = log.childElementCount > 0;
}

async function read() {
	const mine = open;
	if (!mine || mine.reading)
		return;
	if (mine.paused) {
		mine.missed = true;
		return;
	}
	mine.reading = true;
	try {
		do {
			mine.again = false;
			const got = await get("clients/" + mine.id, { after_sent: mine.sent || null, after_received: mine.received || null });
			if (open !== mine)
				return;
			clients.set(mine.id, got.client);
			add(got.messages);
		} while (mine.again && !mine.paused);
	} catch (e) {
		if (open === mine)
			put(mine.nothing, e.message);
	} finally {
		mine.reading = false;
	}
	redraw("clients");
}

function show(id) {
	const row = rows.get(id);
	if (open && open.id !== id)
		rows.get(open.id).el.open = false;
	const body = el("div", "body"), tools = el("div", "bar slim");
	const mine = open = { id, body, facts: el("div", ""), log: el("div", "messages"), nothing: el("p", "none", "No message is kept."),
		sent: 0, received: 0, paused: false, missed: false };
	mine.pause = button("Pause", "Stop adding messages as they come", () => {
		mine.paused = !mine.paused;
		mine.missed = false;
		read();
		redraw("clients");
	});
	mine.log.setAttribute("role", "group");
	mine.log.setAttribute("aria-label", "Messages, newest first");
	tools.append(el("span", "dim", "Messages, newest first"), el("span", "spring"), mine.pause);
	body.append(mine.facts, tools, mine.log, mine.nothing);
	row.el.append(body);
	drawOpen();
	read();
}

function hide(id) {
	rows.get(id)?.el.querySelector(":scope > .body")?.remove();
	if (open && open.id === id)
		open = null;
}

/* ---- the list ---- */

function forget(id) {
	clients.delete(id);
	hide(id);
	rows.get(id)?.el.remove();
	rows.delete(id);
}

const KEPT = 600000;

function draw() {
	for (const c of clients.values())
		if (c.ended && Date.now() - ms(c.ended.time_ns) > KEPT && !(open && open.id === c.id))
			forget(c.id);
	const all = [...clients.values()].sort((a, b) => Boolean(a.ended) - Boolean(b.ended) || b.id - a.id);
	const here = all.filter((c) => !c.ended).length;
	put(total, here + " connected" + (all.length > here ? ", " + (all.length - here) + " left" : ""));
	put(badge, String(here));
	none.hidden = all.length > 0;
	all.forEach((c, i) => {
		if (!rows.has(c.id))
			rows.set(c.id, makeRow(c.id));
		const row = rows.get(c.id);
		fill(row, c);
		// A row that is moved would lose its focus and its place.
		if (list.children[i] !== row.el)
			list.insertBefore(row.el, list.children[i] ?? null);
	});
	if (open)
		drawOpen();
}

function take(m) {
	if (m.reset) {
		const there = new Set(m.clients.map((c) => c.id));
		[...clients.keys()].filter((id) => !there.has(id)).forEach(forget);
	}
	for (const c of m.clients) {
		clients.set(c.id, c);
		if (open && open.id === c.id) {
			open.again = true;
			read();
		}
	}
	redraw("clients");
}

export function start() {
	part("clients", draw);
	on("clients", take);
	list.addEventListener("keydown", (e) => {
		const by = { ArrowDown: 1, ArrowUp: -1 }[e.key];
		// Messages of a client that was closed just now are still there, and hidden.
		const heads = [...list.querySelectorAll("summary")].filter((head) => head.checkVisibility());
		const i = heads.indexOf(document.activeElement);
		if (!by || i < 0)
			return;
		e.preventDefault();
		heads[Math.max(0, Math.min(heads.length - 1, i + by))].focus();
	});
	on("zone", () => redraw("clients"));
}
