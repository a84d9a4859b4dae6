// What moves the deck: transport bar, timeline, filters. See console.cjs.
"use strict";

const MS = 1e6;
const pressed = (selector) => document.querySelector(selector).getAttribute("aria-pressed") === "true";

exports.play = async (t) => {
	const page = await t.opened();
	const start = await t.api("deck");
	t.equal(start.playing, false, "the deck plays at first");
	t.equal(await t.text("#deck-state"), "paused", "the state");
	const shown = () => page.locator("#time").innerText();
	const before = await shown();
	await page.locator("#play").click();
	await t.until("the time moves", (old) => document.getElementById("time").textContent !== old, before);
	await t.untilApi("the deck plays", "deck", (d) => d.playing && d.time_ns > start.time_ns);
	t.equal(await page.locator("#play").getAttribute("aria-label"), "Pause", "the button's name while it plays");
	await t.until("a frame that is played", () => document.querySelector("#frames .frame"));
	await t.until("lateness", () => /^late\s+p50 \d.* p99 \d.* max \d/s.test(document.getElementById("lateness").innerText));
	await page.locator("#play").click();
	const paused = await t.untilApi("the deck is paused", "deck", (d) => !d.playing);
	await t.until("the state says so", () => document.getElementById("deck-state").textContent === "paused");
	t.near(Date.parse((await shown()).replace(" ", "T")), paused.time_ns / MS, 2, "the time shown when paused");
	// The same by the keyboard.
	await page.evaluate(() => document.activeElement.blur());
	await page.keyboard.press(" ");
	await t.until("playing, by the space bar", () => document.getElementById("deck-state").textContent === "playing");
	await page.keyboard.press(" ");
	await t.untilApi("the deck is paused by the space bar", "deck", (d) => !d.playing);
};

exports.end = async (t) => {
	const page = await t.opened();
	await page.locator("body").press("End");
	await page.locator("#speed").selectOption("max");
	await page.locator("#play").click();
	await t.until("the end", () => document.getElementById("deck-state").textContent === "end of the tape");
	t.equal(await page.locator("#play").getAttribute("aria-label"), "Play", "the button's name at the end");
};

exports.step = async (t) => {
	const page = await t.opened();
	const seen = async () => (await t.api("deck")).frames;
	const before = await seen();
	for (let i = 1; i <= 3; i++) {
		await page.locator(i === 3 ? "body" : "#step")[i === 3 ? "press" : "click"](i === 3 ? "." : undefined);
		await t.untilApi("step " + i, "deck", (d) => d.frames === before + i);
	}
	const { time_ns: at, playing } = await t.api("deck");
	t.equal(playing, false, "it plays after steps");
	await t.until("the time of the third", (ms) => Math.abs(Date.parse(document.getElementById("time").textContent.replace(" ", "T")) - ms) < 2,
		at / MS);
};

exports.seek = async (t) => {
	const page = await t.opened();
	for (const part of [0.25, 0.9, 0.1]) {
		const s = await t.scale();
		const x = Math.round(s.box.x + s.box.width * part) + 0.5;
		const seeks = Number(await page.locator("html").getAttribute("data-seeks"));
		await page.mouse.click(x, s.y);
		const d = await t.untilApi("the deck at the click, " + part, "deck", (deck) =>
			Math.abs(deck.time_ns / MS - s.timeAt(x)) <= s.perPixel);
		await t.until("the picture of " + part, (n) => Number(document.documentElement.dataset.seeks) > n, seeks);
		const cursor = await page.locator("#over .cursor line").boundingBox();
		t.near(cursor.x, x, 2, "where the cursor stands");
		// The list of sources says what the API says of that time.
		const { sources } = await t.api("sources?at=" + d.time);
		t.equal(await t.text("#sources-count"), String(sources.length), "sources at " + d.time);
	}
	// The buttons and keys beside it.
	const at = (await t.api("deck")).time_ns;
	await page.locator("#forward").click();
	await t.untilApi("10 s on", "deck", (d) => Math.abs(d.time_ns - at - 10e9) < MS);
	await page.locator("#back").click();
	await t.untilApi("10 s back", "deck", (d) => Math.abs(d.time_ns - at) < MS);
	await page.locator("body").press("Shift+ArrowRight");
	await t.untilApi("60 s on", "deck", (d) => Math.abs(d.time_ns - at - 60e9) < MS);
	await page.locator("body").press("Home");
	const tape = await t.api("tape");
	await t.untilApi("the start", "deck", (d) => Math.abs(d.time_ns - tape.first_ns) < MS);
	return page.locator("html").getAttribute("data-seek-ms");
};

exports.zoom = async (t) => {
	const page = await t.opened();
	const s = await t.scale(), x = s.box.x + s.box.width * 0.4, mid = s.timeAt(x);
	await page.mouse.move(x, s.y);
	await page.mouse.wheel(0, -600);
	await t.until("a window in the address", () => /from=.*to=/.test(location.hash));
	const zoomed = await t.scale();
	t.check(zoomed.to - zoomed.from < (s.to - s.from) / 1.5, "the wheel did not zoom in: " + (zoomed.to - zoomed.from) + " ms of " + (s.to - s.from));
	t.near(zoomed.timeAt(x), mid, 2 * zoomed.perPixel, "the time under the mouse after the wheel");
	await t.until("counts of the window", (from) => Math.abs(Number(document.getElementById("timeline").dataset.from) / 1e6 - from) < 10000,
		zoomed.from);
	// A drag pans, and does not seek.
	const at = (await t.api("deck")).time_ns;
	await page.mouse.down();
	await page.mouse.move(x + 60, s.y, { steps: 4 });
	await page.mouse.move(x + 120, s.y, { steps: 4 });
	await page.mouse.up();
	// The address follows the mouse: wait for the window of its last move.
	await t.until("the window after a drag of 120 px",
		([want, off]) => Math.abs(Date.parse(new URLSearchParams(location.hash.slice(1)).get("from")) - want) <= off,
		[zoomed.from - 120 * zoomed.perPixel, 3 * zoomed.perPixel]);
	const panned = await t.scale();
	t.near(panned.from, zoomed.from - 120 * zoomed.perPixel, 3 * zoomed.perPixel, "the window's begin after a drag of 120 px");
	t.near(panned.to - panned.from, zoomed.to - zoomed.from, 10, "the window's length after a drag");
	t.equal((await t.api("deck")).time_ns, at, "the deck's time after a drag");
	// A click seeks in the window, too.
	await page.mouse.click(x, s.y);
	await t.untilApi("the deck at the click", "deck", (d) => Math.abs(d.time_ns / 1e6 - panned.timeAt(x)) <= panned.perPixel + 1);
	// Buttons and keys.
	await page.locator("#zoom-in").click();
	await t.until("zoomed in", (long) => {
		const p = new URLSearchParams(location.hash.slice(1));
		return Date.parse(p.get("to")) - Date.parse(p.get("from")) < long * 0.6;
	}, panned.to - panned.from);
	await page.locator("#zoom-fit").click();
	await t.until("all of it", () => !/from=/.test(location.hash));
	await page.locator("body").press("i");
	await t.until("zoomed in by i", () => /from=/.test(location.hash));
	await page.locator("body").press("0");
	await t.until("all of it by 0", () => !/from=/.test(location.hash));
};

exports.filter = async (t) => {
	const page = await t.opened();
	await page.locator(".chip[data-event=lifecycle]").click();
	await t.untilApi("the filter of the chip", "deck", (d) => d.filter.events.join() === "lifecycle");
	await t.until("the chip is pressed", pressed, ".chip[data-event=lifecycle]");
	await t.until("the address has it", () => /events=lifecycle/.test(location.hash));
	// Nothing else is listed, neither from before nor when it plays.
	await page.locator("#speed").selectOption("max");
	await page.locator("#play").click();
	await t.untilApi("played to the end", "deck", (d) => d.ended);
	await t.until("both frames of lifecycle", () => document.querySelectorAll("#frames .frame").length >= 2);
	t.equal(await page.locator("#frames .frame .event").evaluateAll((all) => [...new Set(all.map((el) => el.textContent))]),
		["lifecycle"], "the events in the list");
	await page.locator(".chip[data-event=lifecycle]").click();
	await t.untilApi("no filter", "deck", (d) => d.filter.events.length === 0);
	await t.until("the address has it no more", () => !/events=/.test(location.hash));

	t.check(await page.locator("#only").isDisabled(), "'Only selected' can be pressed with nothing selected");
	await page.locator("#search").fill("Van 7");
	await page.locator("#sources .row:visible").first().click();
	await page.locator("#only").click();
	await t.untilApi("the filter of the source", "deck", (d) => d.filter.sources.join() === "10007");
	await t.until("the button says so", () => document.getElementById("only").textContent === "Only Van 7");
	await t.api("deck/pause", {});
	await page.locator("body").press("Home");
	const before = (await t.untilApi("the start", "deck", (d) => !d.ended && !d.playing)).frames;
	await t.until("paused", () => document.getElementById("deck-state").textContent === "paused");
	await page.locator("#play").click();
	const done = await t.untilApi("played to the end", "deck", (d) => d.ended);
	const tape = await t.ask("frames of 10007");
	t.equal(done.frames - before, tape, "frames played of the source");
	await page.locator("#only").click();
	await t.untilApi("no filter of sources", "deck", (d) => d.filter.sources.length === 0);
};

exports.window = async (t) => {
	const page = await t.opened();
	t.check(await page.locator("#window-set").isDisabled(), "'Play this window' can be pressed when all is shown");
	await page.evaluate(() => {
		location.hash = "from=2026-03-01T12:10:00Z&to=2026-03-01T12:15:00Z";
	});
	await t.until("the button", () => !document.getElementById("window-set").disabled);
	await page.locator("#window-set").click();
	const d = await t.untilApi("the window", "deck", (deck) => deck.window);
	t.near(d.window.from_ns / MS, Date.parse("2026-03-01T12:10:00Z"), 1, "the window's begin");
	t.near(d.window.to_ns / MS, Date.parse("2026-03-01T12:15:00Z"), 1, "the window's end");
	await t.until("what is outside is shaded", () => document.querySelectorAll("rect.outside").length === 2);
	await page.locator("#window-clear").click();
	await t.untilApi("no window", "deck", (deck) => !deck.window);
	await t.until("nothing is shaded", () => !document.querySelector("rect.outside"));
};

exports.speed = async (t) => {
	const page = await t.opened();
	await page.locator("#speed").selectOption("20");
	await t.untilApi("20 times", "deck", (d) => d.speed === 20);
	await page.locator("body").press("+");
	await t.untilApi("faster", "deck", (d) => d.speed === 50);
	await t.until("the list says so", () => document.getElementById("speed").value === "50");
	await page.locator("body").press("-");
	await t.untilApi("slower", "deck", (d) => d.speed === 20);
	// One that somebody else has set, and that is not in the list.
	await t.api("deck/speed", { speed: 7.5 });
	await t.until("the other's speed", () => document.getElementById("speed").value === "7.5");
	// The time shown keeps to the deck's.
	await page.locator("#speed").selectOption("100");
	await page.locator("#play").click();
	await t.untilApi("some time has passed", "deck", (d) => d.time_ns > Date.parse("2026-03-01T12:02:00Z") * MS);
	const [shown, deck] = await page.evaluate(async () => {
		const said = await (await fetch("api/deck")).json();
		return [document.getElementById("time").textContent, said.time_ns];
	});
	t.near(Date.parse(shown.replace(" ", "T")), deck / MS, 100 * 1200, "the time shown at 100 times");
};

exports.loop = async (t) => {
	const page = await t.opened();
	const begin = Date.parse("2026-03-01T12:25:00Z"), end = Date.parse("2026-03-01T12:26:00Z");
	const go = async (text) => {
		await page.locator("#goto").fill(text);
		await page.locator("#goto").press("Enter");
	};
	await go("12:25");
	await t.untilApi("A", "deck", (d) => d.time_ns / MS === begin);
	await page.locator("#loop-a").click();
	await t.until("A is set", pressed, "#loop-a");
	await go("12:26");
	await t.untilApi("B", "deck", (d) => d.time_ns / MS === end);
	await page.locator("body").press("]");
	const { loop } = await t.untilApi("the loop", "deck", (d) => d.loop);
	t.equal([loop.from_ns / MS, loop.to_ns / MS], [begin, end], "the loop");
	await t.until("the loop is drawn", () => document.querySelector("rect.loop"));
	await go("12:25:50");
	await page.locator("#speed").selectOption("20");
	await page.locator("#play").click();
	// It was behind 12:25:50, and is before it again.
	await t.untilApi("it goes back", "deck", (d) => d.playing && d.time_ns / MS > begin - 1 && d.time_ns / MS < begin + 45000);
	await t.until("so does the picture", (ms) => Date.parse(document.getElementById("time").textContent.replace(" ", "T")) < ms, begin + 49000);
	await page.locator("#loop-clear").click();
	await t.untilApi("no loop", "deck", (d) => d.loop === null);
	await t.until("no loop is drawn", () => !document.querySelector("rect.loop"));
	// B before A is told, and nothing happens.
	await page.locator("#play").click();
	await page.locator("#loop-a").click();
	await page.locator("body").press("Home");
	await t.untilApi("the start", "deck", (d) => d.time_ns / MS < begin - 60000);
	await page.locator("#loop-b").click();
	await t.until("a notice", () => document.getElementById("notice").checkVisibility());
	t.equal((await t.api("deck")).loop, null, "the loop with B before A");
};

exports.goTo = async (t) => {
	const page = await t.opened();
	for (const [text, want] of [["12:40:30", "2026-03-01T12:40:30Z"], ["+5m", "2026-03-01T12:05:00Z"], ["mark:gate opened", "2026-03-01T12:10:00Z"],
		["2026-03-01T12:30:00.25Z", "2026-03-01T12:30:00.25Z"]]) {
		await page.locator("body").press("g");
		await page.locator("#goto").fill(text);
		await page.locator("#goto").press("Enter");
		await t.untilApi("the deck at " + text, "deck", (d) => Math.abs(d.time_ns / MS - Date.parse(want)) < 1);
	}
	await page.locator("#goto").fill("noon");
	await page.locator("#goto").press("Enter");
	const said = await t.until("words", () => !document.getElementById("goto-wrong").hidden && document.getElementById("goto-wrong").textContent);
	t.check(said.includes("noon") && said.includes("12:51:43"), "it is not explained what was wrong: " + said);
	t.equal(await page.locator("#goto").getAttribute("aria-invalid"), "true", "the field, for screen readers");
	await t.shot("go-to");
	await page.locator("#goto").press("Delete");
	await t.until("no words", () => document.getElementById("goto-wrong").hidden);
};

exports.bookmarks = async (t) => {
	const page = await t.opened();
	const at = (text, want) => t.untilApi("the deck at " + text, "deck", (d) => Math.abs(d.time_ns / MS - Date.parse(want)) < 1);
	t.equal(await page.locator("#marks option").allInnerTexts(), ["Bookmarks (2)", "12:10:00Z  gate opened", "12:35:10Z  the jump"], "the list");
	await page.locator("#marks").selectOption({ index: 2 });
	await at("the jump", "2026-03-01T12:35:10Z");
	t.equal(await page.locator("#marks").inputValue(), "", "what the list shows after a choice");
	await page.locator("#marks").blur();
	await page.locator("body").press("p");
	await at("gate opened, by p", "2026-03-01T12:10:00Z");
	await page.locator("body").press("n");
	await at("the jump, by n", "2026-03-01T12:35:10Z");
	t.equal(await page.locator("#over .flag title").allTextContents(), ["gate opened", "the jump"], "the flags");
	await page.locator("#over .flag path").first().click();
	await at("gate opened, by its flag", "2026-03-01T12:10:00Z");
};

/** Two pages see one deck. */
exports.together = async (t) => {
	const one = await t.opened();
	const two = await t.opened();
	t.page = one;
	await one.locator("#goto").fill("12:40");
	await one.locator("#goto").press("Enter");
	t.page = two;
	await t.until("the time that the other page went to", () => document.getElementById("time").textContent.startsWith("2026-03-01 12:40:00"));
	await t.until("frames of there", () => document.querySelector("#frames .frame .at")?.textContent.startsWith("12:39:5"));
};
