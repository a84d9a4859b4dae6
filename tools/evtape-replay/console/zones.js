// In which time zone times are shown, and read: UTC, the feed's, the browser's, the
// server's (its --zone), or one that the address names.

import { get } from "./api.js";
import { model, on, emit, now } from "./model.js";
import { rfc3339, setOffset, suffix, offsetText } from "./times.js";
import { notice } from "./deck.js";

const KEY = "evtape-zone";
const QUARTER = 900000, WEEK = 7 * 86400000;
/** At so many places of the tape the feed's offset is looked up, before the places between
 * two that differ. */
const LOOKS = 16;

const box = document.getElementById("zone");
const browser = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";

/** The choice: "UTC", "feed", "browser", or the name of a zone. */
let current = "UTC";

const nameOf = (value) => (value === "browser" ? browser : value);

/** Offsets never change within a quarter of an hour. */
function byQuarter(fn) {
	const known = new Map();
	return (t) => {
		const key = Math.floor(t / QUARTER);
		let offset = known.get(key);
		if (offset === undefined) {
			if (known.size > 10000)
				known.clear();
			known.set(key, offset = fn(key * QUARTER));
		}
		return offset;
	};
}

const offsetOf = (sign, h, m, s) => (sign === "-" ? -1 : 1) * (Number(h || 0) * 3600 + Number(m || 0) * 60 + Number(s || 0)) * 1000;

/** Time to offset, in the zone with this name.  Throws a RangeError if there is none. */
function named(name) {
	const fixed = /^([+-])(\d\d):?(\d\d)?$/.exec(name);
	if (name === "UTC" || fixed)
		return () => (fixed ? offsetOf(...fixed.slice(1)) : 0);
	const format = new Intl.DateTimeFormat("en-US", { timeZone: name, timeZoneName: "longOffset" });
	return byQuarter((t) => offsetOf(.../^GMT(?:([+-\u2212])(\d+)(?::(\d+))?(?::(\d+))?)?$/
		.exec(format.formatToParts(t).find((p) => p.type === "timeZoneName").value).slice(1).map((x) => (x === "\u2212" ? "-" : x))));
}

/** The offset at a time, as the tape shows it; null if it does not. */
async function feedAt(t) {
	const { feed } = await get("zone", { at: rfc3339(t) });
	return feed.offset_s === null ? null : { t, offset: feed.offset_s * 1000, name: feed.name };
}

/** Where the offset changes between two places that differ. */
async function change(a, b) {
	while (b.t - a.t > QUARTER) {
		const middle = Math.max(Math.floor((a.t + b.t) / 2 / QUARTER) * QUARTER, a.t + 1);
		const at = await feedAt(middle);
		if (at && at.offset === a.offset)
			a = at;
		else
			b = { ...b, t: middle };
	}
	return b;
}

/** Its offsets, its name if that is known, and what people read. */
let feed = null, feedName = null, feedText = "";
async function feedOffsets() {
	const n = Math.max(1, Math.min(LOOKS, Math.ceil((model.last - model.first) / WEEK)));
	const places = [];
	for (let i = 0; i <= n; i++) {
		const at = await feedAt(model.first + (model.last - model.first) * i / n);
		if (at && at.name) {
			feedName = feedText = at.name;
			return named(at.name);
		}
		const before = places[places.length - 1];
		if (at)
			places.push(before && before.offset !== at.offset ? await change(before, at) : at);
	}
	if (!places.length)
		throw new Error("The tape does not show in which zone its feed writes times; the server's --feed-zone names it.");
	feedText = [...new Set(places.map((p) => p.offset))].map((o) => "UTC" + offsetText(o).replace("Z", "")).join(", ");
	return (t) => (places.findLast((p) => p.t <= t) || places[0]).offset;
}

function option(value, text) {
	const known = [...box.options].find((o) => o.value === value);
	if (known)
		known.textContent = text;
	else
		box.append(new Option(text, value));
}

let asked = 0;
/** keep: also for the next page. */
export async function choose(value, keep) {
	const mine = ++asked;
	let offset;
	try {
		offset = value === "feed" ? feed = feed || await feedOffsets() : named(nameOf(value));
	} catch (e) {
		notice(e instanceof RangeError ? "This browser knows no time zone " + value + "." : e.message);
	}
	if (mine !== asked)
		return;
	if (!offset) {
		box.value = current;
		return;
	}
	current = value;
	setOffset(offset);
	if (value === "feed")
		option(value, "feed: " + feedText);
	else if (![...box.options].some((o) => o.value === value))
		option(value, value);
	box.value = value;
	try {
		if (keep)
			localStorage.setItem(KEY, value);
	} catch (e) {
		// Storage is not available: then the choice is for this page alone.
	}
	emit("zone");
}

/** The zone, as the server takes it. */
export const forServer = () => (current !== "feed" ? nameOf(current) : feedName || suffix(now()));

/** For the address, where the browser's zone needs its name. */
export const forLink = () => (current === ((model.tape && model.tape.zone) || "UTC") ? "" : nameOf(current));

export function start(link) {
	option("UTC", "UTC");
	option("feed", "feed's");
	if (browser !== "UTC")
		option("browser", browser);
	box.addEventListener("change", () => choose(box.value, true));
	let begun = false;
	on("tape", () => {
		if (begun)
			return;
		begun = true;
		let kept = null;
		try {
			kept = localStorage.getItem(KEY);
		} catch (e) {
			// As above.
		}
		const { zone } = model.tape;
		if (zone && zone !== "UTC" && zone !== browser)
			option(zone, zone);
		const wanted = link || kept || zone;
		if (wanted && wanted !== "UTC")
			choose(wanted === browser ? "browser" : wanted);
	});
}
