// Ids of sources as text, in lists with commas: as the API takes them, and as the
// address of the page has them. format/keys/source_id.h describes the form.

/** A number and a text of digits are two ids. */
const DIGITS = /^(0|-?[1-9]\d{0,18})$/;

export function written(id) {
	if (typeof id === "string" && DIGITS.test(id))
		return '"' + id + '"';
	const text = String(id).replace(/[\\,]/g, "\\$&")
		// eslint-disable-next-line no-control-regex
		.replace(/[\x01-\x1f\x7f]/g, (c) => "\\x" + c.charCodeAt(0).toString(16).padStart(2, "0"));
	return /^("|label:)/.test(text) ? "\\" + text : text;
}

const ESCAPED = { n: "\n", r: "\r", t: "\t" };
const unescape = (text) => text.replace(/\\(?:x([0-9a-f]{2})|(.))/gsi, (_, hex, c) => (hex ? String.fromCharCode(parseInt(hex, 16)) : ESCAPED[c] ?? c));

/** The ids of a list, as texts. */
export const listed = (text) => (text || "").match(/"(?:\\.|[^"\\])*"(?=,|$)|(?:\\.|[^,\\])+/gs)
	?.map((item) => unescape(/^".*"$/s.test(item) ? item.slice(1, -1) : item)) || [];
