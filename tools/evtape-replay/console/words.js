// What a search for words compares: texts without accents, and in small letters.

import { model, on, emit } from "./model.js";
import { get } from "./api.js";

/** Letters that Unicode does not take apart. */
const LETTERS = { "ł": "l", "đ": "d", "ø": "o", "ħ": "h", "ŧ": "t", "ı": "i", "ß": "ss", "æ": "ae", "œ": "oe", "ð": "d", "þ": "th" };

export const fold = (text) => text.toLowerCase().normalize("NFD").replace(/\p{M}/gu, "").replace(/[łđøħŧıßæœðþ]/g, (c) => LETTERS[c]);

/** A test of texts: whether they have all words of `asked`. */
export function matcher(asked) {
	const words = fold(asked).split(/\s+/).filter(Boolean);
	return (folded) => words.every((w) => folded.includes(w));
}

/** Key of a source -> the words of its trackers, which the tape's list has: several
 * trackers may share a source. */
const listed = new Map();

/** By what a source is found: its label, id and tracker, and the IMEI of the device. */
export function wordsOf(s) {
	if (s.wordsOf !== s.name) {
		s.wordsOf = s.name;
		s.words = fold([s.name, s.key, s.tracker ?? "", listed.get(s.key) ?? ""].join("\n"));
	}
	return s.words;
}

async function read() {
	try {
		const { trackers } = await get("trackers");
		listed.clear();
		for (const t of trackers) {
			if (!t.source || t.source.id === undefined)
				continue;
			const key = String(t.source.id);
			listed.set(key, [listed.get(key), t.id, t.label, t.source.device_id].filter(Boolean).join("\n"));
		}
		for (const s of model.sources.values())
			s.wordsOf = null;
		emit("words");
	} catch (e) {
		// Then sources are found by what their states say.
	}
}

export function start() {
	let of = null;
	on("tape", () => {
		const id = model.tape.tapes.map((t) => t.id).join();
		if (id === of)
			return;
		of = id;
		read();
	});
}
