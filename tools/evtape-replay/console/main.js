// Puts the parts together: the first picture, the control socket, the address.

import { control, get } from "./api.js";
import { model, on, emit, setTape, setDeck, takeStates, grow, choose, chosenIds, idOf } from "./model.js";
import { drawn } from "./draw.js";
import { ms, parse, short } from "./times.js";
import { first, link } from "./start.js";
import { read, write } from "./link.js";
import { written, listed } from "./ids.js";
import * as deck from "./deck.js";
import * as timeline from "./timeline.js";
import * as map from "./map.js";
import * as sources from "./sources.js";
import * as frames from "./frames.js";
import * as transport from "./transport.js";
import * as filters from "./filters.js";
import * as finder from "./find.js";
import * as bookmarks from "./bookmarks.js";
import * as charts from "./charts.js";
import * as compare from "./compare.js";
import * as words from "./words.js";
import * as zones from "./zones.js";
import * as health from "./health.js";
import * as glance from "./glance.js";
import * as clients from "./clients.js";
import * as server from "./resume.js";
import * as save from "./save.js";
import * as keys from "./keys.js";
import * as tapes from "./tapes.js";

const root = document.documentElement;
const linkBox = document.getElementById("link");

for (const p of [timeline, map, sources, frames, transport, filters, finder, bookmarks, charts, compare, save, words, clients, glance, health, keys, tapes])
	p.start();
zones.start(link.zone);

function setGaps(got) {
	model.gaps = got.gaps.map((g) => ({ ...g, from: ms(g.from_ns), to: ms(g.to_ns) }));
	emit("gaps");
}

// Durations for measurements: from the start of the page, and from a seek, to the
// picture.
let sought = 0;
on("seek", () => {
	sought = performance.now();
});
let ready = 0;
const NEEDED = 3;
function firstPart() {
	if (++ready !== NEEDED)
		return;
	drawn(() => {
		root.dataset.firstMs = performance.now().toFixed(1);
		root.dataset.ready = "1";
	});
	emit("began");
}

// The deck's speed in follow mode: the deck is moved to the end again when it
// has fallen behind, but at most once in a few seconds.
const BEHIND = 5000;
let caught = 0;
function catchUp() {
	const d = model.deck;
	if (!model.follow || !d || performance.now() - caught < BEHIND)
		return;
	if (model.last - ms(d.time_ns) > BEHIND) {
		caught = performance.now();
		deck.seek(model.last, true);
	}
}

let grownAt = 0, seen = false;
let pending = null;

const TAKE = {
	deck: (m) => {
		model.heard++;
		setDeck(m.deck);
	},
	states: (m) => {
		takeStates(m);
		if (m.reset)
			emit("moved");
		if (!seen) {
			seen = true;
			if (pending !== null)
				selectLinked(pending);
			firstPart();
		} else if (m.reset && sought) {
			const began = sought;
			sought = 0;
			drawn(() => {
				root.dataset.seekMs = (performance.now() - began).toFixed(1);
				root.dataset.seeks = Number(root.dataset.seeks || 0) + 1;
			});
		}
	},
	frames: (m) => emit("frames", m),
	clients: (m) => emit("clients", m),
	tape: (m) => {
		grownAt = performance.now();
		if (model.tape && !model.tape.live) {
			model.tape.live = true;
			emit("tape");
		}
		grow(ms(m.last_ns));
		catchUp();
	},
};

const paths = (tape) => tape.tapes.map((t) => t.path).join("\n");

/** Read again what no message reports. */
async function refresh() {
	try {
		const [tape, gaps, marks] = await Promise.all([get("tape"), get("gaps"), get("marks")]);
		if (model.tape && paths(model.tape) !== paths(tape)) {
			// The server has opened another tape, for which this address was not.
			location.replace(location.pathname + location.search);
			await new Promise(() => {});
		}
		setTape(tape);
		setGaps(gaps);
		bookmarks.take(marks);
		if (!tape.live && model.follow)
			deck.setFollow(false);
	} catch (e) {
		// Try again next time, or when the connection is back.
	}
}

let opened = false;
function showLink(state, wait) {
	opened = opened || state === "open";
	// Before the first connection none was lost; a token may be needed.
	if (!opened)
		return;
	linkBox.dataset.state = state;
	linkBox.textContent = state === "open" ? "connected" : "connection lost, retrying in " + Math.ceil(wait / 1000) + " s";
}

// Messages after a lost connection wait until it is known that they are about the same
// tape.
let lost = false, held = null;
function take(m) {
	if (held)
		held.push(m);
	else if (TAKE[m.type])
		TAKE[m.type](m);
}

async function resume() {
	held = [];
	await refresh();
	const got = held || [];
	held = null;
	got.forEach(take);
	emit("view");
	server.back();
}

function connect() {
	control(take, (state, wait) => {
		showLink(state, wait);
		if (state === "open" && lost)
			resume();
		else if (state !== "open" && !lost)
			server.lost();
		lost = state !== "open";
	});
}

// Any page may have a link to this one.  A link shows what it likes, but it moves the
// deck, which others watch too, only if the user of this page agrees.
const askBox = document.getElementById("ask");
let agreed = null;

function ask(t, filter) {
	const parts = [];
	if (t)
		parts.push("go to " + t);
	if (filter) {
		const words = [...filter.sources.map((id) => "source " + id), ...filter.events.map((name) => "event " + name)];
		parts.push(words.length ? "play only " + words.join(", ") : "play everything");
	}
	agreed = () => {
		if (t)
			deck.seek(t);
		if (filter)
			deck.filter(filter.sources, filter.events);
	};
	document.getElementById("ask-text").textContent = "This link wants the deck, which everyone here shares, to " + parts.join(" and to ") + ".";
	askBox.hidden = false;
}

function answered(yes) {
	askBox.hidden = true;
	if (yes && agreed)
		agreed();
	agreed = null;
}

document.getElementById("ask-yes").addEventListener("click", () => answered(true));
document.getElementById("ask-no").addEventListener("click", () => answered(false));

/** A link centres what it selects. */
function selectLinked(keys) {
	choose(keys, keys[0]);
	if (keys.length)
		emit("centre");
}

/** The sources of the deck's filter, which has texts alone, as a list. */
const names = (texts) => texts.map((text) => written(idOf(text))).join(",");

/** Apply an address. */
function follow(values, begin) {
	const from = parse(values.from), to = parse(values.to);
	if (from !== null && to !== null && to > from)
		timeline.view(from, to);
	else if (!begin)
		timeline.viewAll();
	model.search = values.q || "";
	model.status = values.status || "";
	emit("searched");
	if ((values.find || "") !== model.find)
		finder.find(values.find || "");
	if ((values.charts || "") !== charts.charted())
		charts.set((values.charts || "").split(",").filter(Boolean));
	if (values.zone && !begin)
		zones.choose(values.zone);
	const chosen = listed(values.source);
	if (seen)
		selectLinked(chosen);
	else
		pending = chosen;
	// After a reload of the page there is nothing to ask: the address is the page's own.
	const t = values.t && !(begin && again()) ? values.t : null;
	const list = (text) => (text ? text.split(",") : []);
	const now = (model.deck && model.deck.filter) || { sources: [], events: [] };
	const asked = (values.only || "") + " " + (values.events || "");
	const filter = begin ? asked !== " " && !again() : asked !== names(now.sources) + " " + now.events;
	answered(false);
	if (t || filter)
		ask(t, filter ? { sources: listed(values.only), events: list(values.events) } : null);
}

const again = () => performance.getEntriesByType("navigation")[0]?.type === "reload";

function address() {
	const d = model.deck, { from, to, fit } = model.view;
	const filter = (d && d.filter) || { sources: [], events: [] };
	return {
		t: d ? short(ms(d.time_ns)) : "",
		from: fit ? "" : short(from),
		to: fit ? "" : short(to),
		source: chosenIds().map(written).join(","),
		q: model.search,
		status: model.status,
		events: filter.events.join(","),
		only: names(filter.sources),
		find: model.find,
		charts: charts.charted(),
		zone: zones.forLink(),
	};
}

function keepAddress() {
	// Not before the first picture: the address must be applied first.
	if (root.dataset.ready)
		write(address);
}

on("deck view chosen selected found charted zone", keepAddress);
document.getElementById("search").addEventListener("input", keepAddress);
document.getElementById("status").addEventListener("change", keepAddress);
addEventListener("hashchange", () => follow(read(), false));

// The end of a tape that is being recorded means that the recorder is silent: check then.
let ticks = 0;
setInterval(() => {
	if (model.tape && model.tape.live && (++ticks % (model.follow ? 2 : 5) === 0 || (grownAt && performance.now() - grownAt > 5000)))
		refresh();
}, 1000);

connect();
(async () => {
	try {
		setTape(await first.tape);
		follow(link, true);
		if (model.tape.tiles)
			map.tiles(model.tape.tiles);
		firstPart();
		try {
			timeline.take(await first.timeline);
		} catch (e) {
			// A tape without a frame has no timeline.
			if (model.tape.frames)
				throw e;
		}
		firstPart();
		setGaps(await first.gaps);
		bookmarks.take(await first.marks);
	} catch (e) {
		timeline.say("Cannot read the tape: " + e.message + ". Reload the page to try again.", true);
	}
})();
