// Copies a frame: its payload or its envelope, to the byte as the server has them, or a
// link to it. The page's own numbers would be rounded.

import { getText } from "./api.js";
import { rfc3339, ms } from "./times.js";
import { written } from "./ids.js";
import { notice } from "./deck.js";

function endOfText(text, i) {
	for (i++; text[i] !== '"'; i++)
		if (text[i] === "\\")
			i++;
	return i + 1;
}

/** Where the JSON value that begins at i ends. */
function endOf(text, i) {
	if (text[i] === '"')
		return endOfText(text, i);
	if (!"{[".includes(text[i])) {
		while (i < text.length && !/[,\]}\s]/.test(text[i]))
			i++;
		return i;
	}
	for (let depth = 0; ;) {
		if (text[i] === '"') {
			i = endOfText(text, i);
			continue;
		}
		if ("{[".includes(text[i]))
			depth++;
		else if ("}]".includes(text[i]) && --depth === 0)
			return i + 1;
		i++;
	}
}

const space = (text, i) => {
	while (/[\s,:]/.test(text[i]))
		i++;
	return i;
};

/** The members of the object at i: name -> its text. */
function members(text, i) {
	const out = new Map();
	for (i = space(text, i + 1); text[i] === '"';) {
		const nameEnd = endOf(text, i), at = space(text, nameEnd), end = endOf(text, at);
		out.set(JSON.parse(text.slice(i, nameEnd)), text.slice(at, end));
		i = space(text, end);
	}
	return out;
}

/** The text of the frame with that number in an answer of /api/frames; null: none. */
export function envelopeIn(text, seq) {
	const frames = members(text, 0).get("frames");
	for (let i = space(frames, 1); frames[i] === "{";) {
		const end = endOf(frames, i);
		if (members(frames, i).get("seq") === String(seq))
			return frames.slice(i, end);
		i = space(frames, end);
	}
	return null;
}

async function envelope(frame) {
	const t = ms(frame.time_ns);
	const text = await getText("frames", { from: rfc3339(t - 1), to: rfc3339(t + 1), limit: 1000 });
	const found = envelopeIn(text, frame.seq);
	if (found === null)
		throw new Error("The frame is no longer there to be copied.");
	return found;
}

async function payload(frame) {
	if (frame.payload === undefined)
		return frame.payload_text ?? frame.payload_base64 ?? "";
	return members(await envelope(frame), 0).get("payload");
}

/** What this page shows, at the frame and of its source. */
function link(frame) {
	const query = new URLSearchParams(location.hash.slice(1));
	query.set("t", rfc3339(ms(frame.time_ns) + 1));
	if (frame.sources && frame.sources.length)
		query.set("source", written(frame.sources[0]));
	return location.href.replace(/#.*/, "") + "#" + query.toString().replace(/%3A/g, ":").replace(/%2C/g, ",");
}

/** Browsers give pages the clipboard only over HTTPS or on the own machine. */
async function toClipboard(text) {
	if (navigator.clipboard) {
		await navigator.clipboard.writeText(text);
		return;
	}
	const area = document.createElement("textarea");
	area.value = text;
	document.body.append(area);
	area.select();
	const done = document.execCommand("copy");
	area.remove();
	if (!done)
		throw new Error("The browser does not let this page copy.");
}

/** key, words of the button, words when it is done, and what is copied. */
export const WAYS = [
	{ key: "y", name: "Copy JSON", done: "The payload is copied.", text: payload },
	{ key: "u", name: "Copy envelope", done: "The envelope is copied.", text: envelope },
	{ key: "l", name: "Copy link", done: "A link to this frame is copied.", text: async (frame) => link(frame) },
];

export async function copy(frame, way) {
	try {
		await toClipboard(await way.text(frame));
		notice(way.done);
	} catch (e) {
		notice(e.message);
	}
}

export const copyButtons = (frame) => WAYS.map((way) => {
	const out = document.createElement("button");
	out.type = "button";
	out.textContent = way.name;
	out.title = way.name + " (" + way.key + ")";
	out.addEventListener("click", () => copy(frame, way));
	return out;
});
