// Times as numbers and as texts. The page counts in milliseconds since 1970, as
// Date does, with fractions; the tape counts in nanoseconds. Texts for people are in the
// zone that zones.js chose, and say its offset.

export const ms = (ns) => ns / 1e6;

const pad = (n, digits) => String(n).padStart(digits, "0");

/** RFC 3339 to the microsecond: what the API takes. */
export function rfc3339(t) {
	const whole = Math.floor(t);
	const us = Math.min(999, Math.max(0, Math.round((t - whole) * 1000)));
	return new Date(whole).toISOString().replace("Z", pad(us, 3) + "Z");
}

/** For links: no more digits than a click can resolve. */
export function short(t) {
	return new Date(Math.floor(t)).toISOString().replace(".000Z", "Z");
}

/** Text to milliseconds, or null. */
export function parse(text) {
	const t = text ? Date.parse(text) : NaN;
	if (Number.isNaN(t))
		return null;
	// Date drops digits after the milliseconds.
	const more = /\.\d{3}(\d+)/.exec(text);
	return more ? t + Number("0." + more[1]) : t;
}

let offset = () => 0;
/** fn: from a time to the offset of the zone then, in milliseconds. */
export function setOffset(fn) {
	offset = fn;
}

/** The local time, as if it were UTC; and back. Of two times that look the same, the first. */
export const toLocal = (t) => t + offset(t);
export function fromLocal(t) {
	const before = t - offset(t - 86400000), after = t - offset(t + 86400000);
	return toLocal(before) === t ? before : toLocal(after) === t ? after : before;
}

/** "Z", "+02", "-03:30": what follows a time. */
export const suffix = (t) => offsetText(offset(t));
export function offsetText(ms) {
	const minutes = Math.round(ms / 60000), m = Math.abs(minutes);
	if (!minutes)
		return "Z";
	return (minutes < 0 ? "-" : "+") + pad(Math.floor(m / 60), 2) + (m % 60 ? ":" + pad(m % 60, 2) : "");
}

const local = (t) => new Date(Math.floor(toLocal(t))).toISOString();
export const day = (t) => local(t).slice(0, 10);
export const clock = (t) => local(t).slice(11, 23) + suffix(t);
export const seconds = (t) => local(t).slice(11, 19) + suffix(t);

/** How long ago, in few characters. */
export function age(t) {
	const s = t / 1000;
	if (s < 0)
		return "0 s";
	if (s < 99.5)
		return Math.round(s) + " s";
	if (s < 99.5 * 60)
		return Math.round(s / 60) + " min";
	if (s < 99.5 * 3600)
		return Math.round(s / 3600) + " h";
	return Math.round(s / 86400) + " d";
}

/** A duration in nanoseconds with a unit that suits it. */
export function duration(ns) {
	if (ns < 1e3)
		return ns + " ns";
	if (ns < 1e6)
		return (ns / 1e3).toFixed(0) + " µs";
	if (ns < 1e9)
		return (ns / 1e6).toFixed(ns < 1e7 ? 1 : 0) + " ms";
	return (ns / 1e9).toFixed(ns < 1e10 ? 1 : 0) + " s";
}

export function span(t) {
	const s = t / 1000;
	if (s < 10)
		return s.toFixed(s < 1 ? 3 : 1) + " s";
	if (s < 120)
		return Math.round(s) + " s";
	if (s < 7200)
		return (s / 60).toFixed(s < 600 ? 1 : 0) + " min";
	if (s < 172800)
		return (s / 3600).toFixed(1) + " h";
	return (s / 86400).toFixed(1) + " d";
}

export function bytes(n) {
	const units = ["B", "kB", "MB", "GB", "TB"];
	let i = 0;
	while (n >= 1000 && i < units.length - 1) {
		n /= 1000;
		i++;
	}
	return (i && n < 100 ? n.toFixed(1) : Math.round(n)) + " " + units[i];
}

export const count = (n) => n.toLocaleString("en-US");
