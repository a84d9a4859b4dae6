// The keyboard. The dialog in index.html lists these keys.

import { model, select } from "./model.js";
import * as deck from "./deck.js";
import { zoomBy, viewAll } from "./timeline.js";
import { fit } from "./map.js";
import { show as bookmarks } from "./bookmarks.js";
import { toCursor } from "./charts.js";
import { toHit } from "./find.js";

const $ = (id) => document.getElementById(id);

const KEYS = {
	" ": deck.toggle,
	".": deck.step,
	ArrowLeft: (e) => deck.seekBy(e.shiftKey ? -60000 : -10000),
	ArrowRight: (e) => deck.seekBy(e.shiftKey ? 60000 : 10000),
	Home: () => deck.seek(model.first),
	End: () => deck.seek(model.last),
	"+": () => deck.faster(1),
	"=": () => deck.faster(1),
	"-": () => deck.faster(-1),
	"[": deck.loopBegin,
	"]": deck.loopEnd,
	"\\": deck.loopClear,
	n: () => deck.toMark(1),
	p: () => deck.toMark(-1),
	e: () => {
		$("find").focus();
		$("find").select();
	},
	j: () => toHit(1),
	k: () => toHit(-1),
	b: bookmarks,
	v: () => {
		$("chart").focus();
		$("chart").select();
	},
	1: () => toCursor(1),
	2: () => toCursor(2),
	f: () => model.tape && model.tape.live && deck.setFollow(!model.follow),
	i: () => zoomBy(2),
	o: () => zoomBy(0.5),
	0: viewAll,
	m: fit,
	c: toggleClients,
	"/": () => {
		showTab("sources");
		$("search").focus();
		$("search").select();
	},
	g: () => {
		$("goto").focus();
		$("goto").select();
	},
	"?": () => $("help-dialog").showModal(),
	Escape: () => select(null),
};

/** A narrow screen shows one of the three panels. */
export function showTab(name) {
	document.querySelector("main").dataset.tab = name;
	for (const tab of document.querySelectorAll("[role=tab]")) {
		const chosen = tab.id === "tab-" + name;
		tab.setAttribute("aria-selected", chosen);
		tab.tabIndex = chosen ? 0 : -1;
	}
	$("clients-open").setAttribute("aria-expanded", name === "clients");
}

/** On a wide screen the clients take the place of the frames. */
function toggleClients() {
	const opens = document.querySelector("main").dataset.tab !== "clients";
	showTab(opens ? "clients" : "frames");
	$(opens ? "clients-close" : "clients-open").focus();
}

/** If all three are visible at once, they are not panels of tabs. */
const narrow = matchMedia("(max-width: 960px)");
function nameRoles() {
	for (const tab of document.querySelectorAll("[role=tab]")) {
		const panel = document.getElementById(tab.getAttribute("aria-controls"));
		if (narrow.matches)
			panel.setAttribute("role", "tabpanel");
		else
			panel.removeAttribute("role");
	}
}

export function start() {
	nameRoles();
	narrow.addEventListener("change", nameRoles);
	addEventListener("keydown", (e) => {
		if (e.ctrlKey || e.metaKey || e.altKey || e.defaultPrevented || document.querySelector("dialog[open]"))
			return;
		const el = e.target;
		if (el.matches("input, select, textarea")) {
			if (e.key === "Escape")
				el.blur();
			return;
		}
		// These keys have a meaning for the element with the focus.
		if ((e.key === " " || e.key === "Enter") && el.closest("button, summary, a"))
			return;
		if ((e.key === "Home" || e.key === "End") && el.closest(".scroll"))
			return;
		if (el.closest("[role=tab]") && e.key.startsWith("Arrow"))
			return;
		const act = KEYS[e.key];
		if (!act)
			return;
		e.preventDefault();
		act(e);
	});
	$("help").addEventListener("click", KEYS["?"]);
	$("clients-open").addEventListener("click", toggleClients);
	$("clients-close").addEventListener("click", toggleClients);
	const tabs = [...document.querySelectorAll("[role=tab]")];
	tabs.forEach((tab, i) => {
		tab.addEventListener("click", () => showTab(tab.id.slice(4)));
		tab.addEventListener("keydown", (e) => {
			const by = { ArrowRight: 1, ArrowLeft: -1 }[e.key];
			if (!by)
				return;
			e.preventDefault();
			const next = tabs[(i + by + tabs.length) % tabs.length];
			showTab(next.id.slice(4));
			next.focus();
		});
	});
}
