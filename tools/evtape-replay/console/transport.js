// The transport bar: the state of the deck, and the buttons that control it.

import { model, on, now, running, emit } from "./model.js";
import { part, redraw } from "./draw.js";
import { clock, day, duration, count, bytes, span } from "./times.js";
import { forServer } from "./zones.js";
import * as deck from "./deck.js";

const $ = (id) => document.getElementById(id);
const speed = $("speed");

function set(el, text) {
	if (el.textContent !== text)
		el.textContent = text;
}

function option(value) {
	const el = document.createElement("option");
	el.value = value;
	el.textContent = value === "max" ? "max" : value + "×";
	return el;
}

/** Another client may have set a speed that is not in the list. */
function showSpeed(value) {
	const text = String(value);
	if (![...speed.options].some((o) => o.value === text)) {
		const next = [...speed.options].find((o) => o.value === "max" || Number(o.value) > value);
		speed.insertBefore(option(value), next);
	}
	if (speed.value !== text)
		speed.value = text;
}

function drawTime() {
	const t = now();
	set($("time"), model.deck ? day(t) + " " + clock(t) : "–");
}

function draw() {
	drawTime();
	const d = model.deck;
	if (!d)
		return;
	const play = $("play");
	play.dataset.playing = d.playing;
	play.setAttribute("aria-label", d.playing ? "Pause" : "Play");
	showSpeed(d.speed);
	const loop = d.loop !== null;
	$("loop-a").setAttribute("aria-pressed", loop || model.loopFrom !== null);
	$("loop-b").setAttribute("aria-pressed", loop);
	$("loop-clear").disabled = !loop && model.loopFrom === null;
	set($("deck-state"), d.live && d.playing ? "at the end, waiting" : d.ended ? "end of the tape" : d.playing ? "playing" : "paused");
	const late = d.lateness_ns;
	$("lateness").hidden = !late || !late.count;
	if (late) {
		set($("late-50"), duration(late.p50));
		set($("late-99"), duration(late.p99));
		set($("late-max"), duration(late.max));
	}
}

function drawTape() {
	const t = model.tape;
	if (!t)
		return;
	const names = t.tapes.map((x) => x.path.replace(/\/+$/, "").split("/").pop()).join(", ");
	set($("tape-name"), names);
	document.title = names + " · evtape";
	$("tape-live").hidden = !t.live;
	set($("tape-facts"), [count(t.frames) + " frames", bytes(t.payload_bytes), count(t.sources) + " sources",
		span(model.last - model.first)].join(" · "));
	const follow = $("follow");
	follow.disabled = !t.live && !model.follow;
	follow.setAttribute("aria-pressed", model.follow);
}

export function start() {
	part("transport", draw);
	part("time", drawTime);
	part("tape", drawTape);
	for (const s of deck.SPEEDS)
		speed.append(option(s));
	speed.value = "1";
	$("play").addEventListener("click", deck.toggle);
	$("step").addEventListener("click", deck.step);
	$("back").addEventListener("click", () => deck.seekBy(-10000));
	$("forward").addEventListener("click", () => deck.seekBy(10000));
	speed.addEventListener("change", () => deck.speed(speed.value === "max" ? "max" : Number(speed.value)));
	$("loop-a").addEventListener("click", deck.loopBegin);
	$("loop-b").addEventListener("click", deck.loopEnd);
	$("loop-clear").addEventListener("click", deck.loopClear);
	$("follow").addEventListener("click", () => deck.setFollow(!model.follow));
	const wrong = (words) => {
		set($("goto-wrong"), words || "");
		$("goto-wrong").hidden = !words;
		$("goto").setAttribute("aria-invalid", Boolean(words));
	};
	$("goto-form").addEventListener("submit", async (e) => {
		e.preventDefault();
		const text = $("goto").value.trim();
		if (!text)
			return;
		const words = await deck.goTo(text, forServer());
		wrong(words);
		if (words)
			$("goto").select();
		else
			$("goto").blur();
	});
	$("goto").addEventListener("input", () => wrong());
	on("deck", () => redraw("transport"));
	on("states zone", () => redraw("time"));
	on("tape grown follow", () => redraw("tape"));

	// Draw continuously while the deck plays.
	let ticking = false;
	function tick() {
		if (!running()) {
			ticking = false;
			return;
		}
		redraw("time", "cursor");
		requestAnimationFrame(tick);
	}
	on("deck", () => {
		if (!ticking && running()) {
			ticking = true;
			requestAnimationFrame(tick);
		}
	});
	// Ages change also without messages.
	let aged = 0;
	setInterval(() => {
		if (model.deck && Math.abs(now() - aged) > 500) {
			aged = now();
			redraw("sources", "map");
		}
	}, 1000);
	emit("transport");
}
