// After the server was started again: the deck as it was, if nobody has moved the new one
// since, and the tape is the same.

import { get, post } from "./api.js";
import { model, now, setDeck } from "./model.js";
import { rfc3339, ms } from "./times.js";
import { filter, notice, setFollow } from "./deck.js";

let kept = null;

const same = (tape) => tape.tapes.map((t) => t.path + " " + t.id).join("\n");

/** The connection was lost: keep what the deck was. */
export function lost() {
	if (model.deck && model.tape)
		kept = { deck: model.deck, at: now(), tape: same(model.tape) };
}

const span = (s) => ({ from: rfc3339(ms(s.from_ns)), to: rfc3339(ms(s.to_ns)) });

async function bring({ deck, at }) {
	const { sources, events } = deck.filter;
	if (sources.length || events.length)
		await filter(sources, events);
	if (deck.window && deck.window.from_ns !== null && deck.window.to_ns !== null)
		await post("deck/window", span(deck.window));
	if (deck.loop)
		await post("deck/loop", span(deck.loop));
	await post("deck/speed", { speed: deck.speed });
	if (model.follow) {
		model.follow = false;
		await setFollow(true);
		return;
	}
	await post("deck/seek", { to: rfc3339(at) });
	setDeck(await post("deck/" + (deck.playing ? "play" : "pause")), true);
}

/** The connection is back.  A server that went on has counted no fewer calls and frames than
 * before. */
export async function back() {
	const before = kept;
	kept = null;
	if (!before || same(model.tape) !== before.tape)
		return;
	try {
		const deck = await get("deck");
		const restarted = deck.controls < before.deck.controls || deck.frames < before.deck.frames;
		if (restarted && deck.controls === 0)
			await bring(before);
	} catch (e) {
		notice("The deck could not be brought back to where it was: " + e.message);
	}
}
