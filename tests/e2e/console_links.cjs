// Sources, frames, and addresses that bring back what was seen. See console.cjs.
"use strict";

const MS = 1e6;

exports.deepLink = async (t) => {
	const page = await t.opened("#t=2026-03-01T12:34:56Z&from=2026-03-01T12:30:00Z&to=2026-03-01T12:40:00Z&source=10007&q=van+7&status=moving&events=state");
	await t.agree();
	await t.untilApi("the time", "deck", (d) => d.time_ns / MS === Date.parse("2026-03-01T12:34:56Z"));
	await t.untilApi("the events", "deck", (d) => d.filter.events.join() === "state");
	await t.until("the source", () => document.getElementById("selected-name").textContent === "Van 7" &&
		document.getElementById("selected-card").checkVisibility());
	t.equal(await page.locator("#search").inputValue(), "van 7", "the search");
	// What a link selects is in the middle of the map.
	const ring = await page.evaluate(() => {
		const canvas = document.querySelector("#map canvas"), ctx = canvas.getContext("2d"), x = canvas.width >> 1, y = canvas.height >> 1;
		const { data } = ctx.getImageData(x - 30, y - 30, 60, 60);
		return data.some((v, i) => i % 4 === 3 && v > 250);
	});
	t.check(ring, "nothing is in the middle of the map");
	t.equal(await page.locator("#status").inputValue(), "moving", "the status");
	await t.until("the list is searched", () => / of 30$/.test(document.getElementById("sources-count").textContent));
	await t.until("counts of the window", (from) => Math.abs(Number(document.getElementById("timeline").dataset.from) / 1e6 - from) < 1,
		Date.parse("2026-03-01T12:30:00Z"));
	await t.until("the address keeps it", () => location.hash.includes("from="));
	t.equal(t.hash(), { t: "2026-03-01T12:34:56Z", from: "2026-03-01T12:30:00Z", to: "2026-03-01T12:40:00Z", source: "10007", q: "van 7",
		status: "moving", events: "state" }, "the address");
};

exports.address = async (t) => {
	const page = await t.opened();
	await page.locator("#goto").fill("12:20:30");
	await page.locator("#goto").press("Enter");
	await t.until("the time in the address", () => location.hash.includes("t=2026-03-01T12:20:30Z"));
	await page.locator("#search").fill("Van 3");
	await t.until("the search in the address", () => location.hash.includes("q=Van+3"));
	await page.locator("#sources .row:visible").first().click();
	await t.until("the source in the address", () => location.hash.includes("source=10003"));
	await page.locator("#status").selectOption("parked");
	await t.until("the status in the address", () => location.hash.includes("status=parked"));
	const link = page.url();
	await t.api("deck/seek", { to: "12:45" });
	await t.until("the other time", () => location.hash.includes("t=2026-03-01T12:45:00Z"));

	// A reload keeps what the page shows, and leaves the deck where it is.
	await t.api("deck/speed", { speed: 50 });
	await t.api("deck/play", {});
	await t.until("later", () => location.hash.includes("t=2026-03-01T12:46"));
	await t.api("deck/pause", {});
	const { time_ns: at } = await t.api("deck");
	await page.reload();
	await t.ready();
	t.equal((await t.api("deck")).time_ns, at, "the deck's time after a reload");
	t.equal(await page.locator("#search").inputValue(), "Van 3", "the search after a reload");

	// Another address, typed in: what it says is done.
	await page.evaluate((hash) => {
		location.hash = hash;
	}, new URL(link).hash);
	await t.agree();
	await t.untilApi("the time of the link", "deck", (d) => d.time_ns / MS === Date.parse("2026-03-01T12:20:30Z"));
	await page.evaluate(() => {
		location.hash = "t=2026-03-01T12:05:00Z&q=9";
	});
	await t.agree();
	await t.untilApi("the time of the second link", "deck", (d) => d.time_ns / MS === Date.parse("2026-03-01T12:05:00Z"));
	await t.until("its search", () => document.getElementById("search").value === "9");
	t.equal(await page.locator("#status").inputValue(), "", "the status, which the second link does not have");
	t.check(!await page.locator("#selected-card").isVisible(), "a source is selected, which the second link does not say");
};

/** A link from anywhere asks before it moves the deck that all share. */
exports.linkAsks = async (t) => {
	const before = await t.api("deck");
	const page = await t.opened("#t=2026-03-01T12:34:56Z&events=state,<b>&only=10007&q=van+7");
	await t.until("the question", () => document.getElementById("ask").checkVisibility());
	t.equal(await t.text("#ask-text"), "This link wants the deck, which everyone here shares, to go to 2026-03-01T12:34:56Z and to play only " +
		"source 10007, event state, event <b>.", "the question");
	t.equal(await page.locator("#search").inputValue(), "van 7", "the search, which moves nothing");
	await page.waitForTimeout(1500);
	let deck = await t.api("deck");
	t.equal([deck.time_ns, deck.filter], [before.time_ns, before.filter], "the deck, while it is asked");
	await page.locator("#ask-no").click();
	await t.until("no question", () => !document.getElementById("ask").checkVisibility());
	await page.evaluate(() => {
		location.hash = "t=2026-03-01T12:05:00Z";
	});
	await t.until("the second question", () => document.getElementById("ask").checkVisibility());
	await page.waitForTimeout(500);
	deck = await t.api("deck");
	t.equal([deck.time_ns, deck.filter], [before.time_ns, before.filter], "the deck, after a no and a second link");
	await t.agree();
	await t.untilApi("the time of the second link", "deck", (d) => d.time_ns / MS === Date.parse("2026-03-01T12:05:00Z"));
};

exports.sources = async (t) => {
	const page = await t.opened();
	const names = () => page.locator("#sources .row:visible .name").allInnerTexts();
	const all = (await t.api("sources")).sources;
	await page.locator("#search").fill("van 7");
	await t.until("the search", () => document.getElementById("sources-count").textContent === "3 of 30");
	t.equal(await names(), ["Van 7", "Van 17", "Van 27"], "the search's result");
	await page.locator("#search").fill("10011");
	await t.until("the search by id", () => document.getElementById("sources-count").textContent === "1 of 30");
	t.equal(await names(), ["Van 11"], "the search by id");
	await page.locator("#search").fill("");
	await page.locator("#status").selectOption("moving");
	const moving = all.filter((s) => s.movement === "moving" && s.connection !== "offline" && !s.blocked).length;
	await t.until("the status", (n) => document.getElementById("sources-count").textContent === n + " of 30", moving);
	await page.locator("#status").selectOption("");
	await page.locator("[data-sort=speed]").click();
	await t.until("the fastest first", () => {
		const v = [...document.querySelectorAll("#sources .row .speed")].filter((el) => el.checkVisibility())
			.sort((a, b) => a.getBoundingClientRect().top - b.getBoundingClientRect().top).map((el) => Number(el.textContent));
		return v.length > 5 && v.every((x, i) => !i || x <= v[i - 1]);
	});
	// Columns are below their heads.
	const edges = await page.evaluate(() => ["status:state:left", "speed:speed:right", "age:age:right"].map((text) => {
		const [head, cell, side] = text.split(":");
		const range = document.createRange();
		range.selectNodeContents(document.querySelector("[data-sort=" + head + "]"));
		return Math.round(Math.abs(range.getBoundingClientRect()[side] - document.querySelector("#sources .row ." + cell).getBoundingClientRect()[side]));
	}));
	t.check(edges.every((d) => d <= 12), "heads stand beside their columns by " + edges + " px");
	// A choice in the list is one on the map, and the other way round.
	await page.locator("#sources").focus();
	await page.keyboard.press("ArrowDown");
	const first = await page.locator("#sources [aria-selected=true] .name").innerText();
	t.equal(await t.text("#selected-name"), first, "the selected source's card");
	await t.until("its track", () => Number(document.getElementById("map").dataset.track) > 10);
	await page.keyboard.press("End");
	await t.until("the last row", () => document.querySelector("#sources [aria-selected=true]")?.getAttribute("aria-posinset") === "30");
	await page.keyboard.press("Escape");
	await t.until("nothing is selected", () => !document.getElementById("selected-card").checkVisibility());
	const box = await page.locator("#map").boundingBox();
	const at = await page.evaluate(() => {
		// Any painted pixel that is not at the edge belongs to a source.
		const canvas = document.querySelector("#map canvas"), ctx = canvas.getContext("2d");
		const { data } = ctx.getImageData(0, 0, canvas.width, canvas.height);
		for (let y = 80; y < canvas.height - 40; y++)
			for (let x = 80; x < canvas.width - 80; x++)
				if (data[(y * canvas.width + x) * 4 + 3] > 250)
					return [x, y + 4];
		return null;
	});
	t.check(at, "no source is drawn");
	await page.mouse.click(box.x + at[0], box.y + at[1]);
	await t.until("a click on the map selects", () => document.getElementById("selected-card").checkVisibility());
};

/** A blocked source is said to be so, and one that is not yet on the tape too. */
exports.states = async (t) => {
	const page = await t.opened("#source=10005&t=2026-03-01T12:38:00Z");
	await t.agree();
	await t.until("it is blocked", () => document.getElementById("selected-facts").textContent.startsWith("blocked"));
	await page.locator("#status").selectOption("blocked");
	await t.until("one is blocked", () => document.getElementById("sources-count").textContent === "1 of 30");
	await t.api("deck/seek", { to: "12:00:00" });
	await t.until("none is known", () => document.getElementById("sources-count").textContent.startsWith("0"));
	t.equal(await t.text("#selected-facts"), "not seen yet", "the card before the source's first frame");
};

exports.frames = async (t) => {
	const page = await t.opened("#source=10005&t=2026-03-01T12:10:00Z");
	await t.agree();
	await t.until("frames of the source", () => document.querySelectorAll("#frames .frame").length > 3 &&
		[...document.querySelectorAll("#frames .frame")].every((el) => el.dataset.of === "10005"));
	t.equal(await t.text("#frames-of"), "of Van 5", "whose frames they are");
	const { frames } = await t.api("frames?source=10005&from=12:00&to=12:10&limit=1000");
	const newest = frames[frames.length - 1], before = frames[frames.length - 2];
	const row = page.locator("#frames .frame").first();
	t.equal(Number(await row.getAttribute("data-seq")), newest.seq, "the newest frame");
	await row.locator("summary").click();
	await t.until("its payload", () => document.querySelector("#frames pre"));
	const lines = await row.locator("pre > div").allInnerTexts();
	t.check(lines.some((l) => l.includes('"source_id": 10005')), "the payload is not shown: " + lines.slice(0, 5));
	const changed = await row.locator("pre > .changed").allInnerTexts();
	const { speed } = newest.payload.data.gps, old = before.payload.data.gps;
	if (speed !== old.speed)
		t.check(changed.some((l) => l.trim().startsWith('"speed": ' + speed) && l.includes("was " + old.speed)),
			"speed " + old.speed + " to " + speed + " is not among the changes: " + changed);
	t.check(!changed.some((l) => l.includes("source_id")), "source_id is marked as changed");
	t.check(changed.some((l) => l.includes("user_time")), "user_time is not marked as changed: " + changed);
	// While it is read, nothing moves; what comes is counted and can be had.
	await page.locator("#speed").selectOption("100");
	await page.locator("#play").click();
	await t.until("frames are held back", () => document.getElementById("frames-held").checkVisibility());
	t.equal(Number(await page.locator("#frames .frame").first().getAttribute("data-seq")), newest.seq, "the newest frame while one is read");
	await page.locator("#frames-held").click();
	await t.until("the new ones", (seq) => Number(document.querySelector("#frames .frame")?.dataset.seq) > seq, newest.seq);
	await page.locator("#play").click();
	await t.untilApi("paused", "deck", (d) => !d.playing);
	// To the frame's place, and away.
	const seq = await page.locator("#frames .frame").nth(1).getAttribute("data-seq");
	const last = page.locator('#frames .frame[data-seq="' + seq + '"]');
	await last.locator("summary").click();
	const want = (await last.locator(".at").innerText());
	await last.locator("button", { hasText: "Go here" }).click();
	await t.until("its time", (at) => document.getElementById("time").textContent.endsWith(" " + at), want);
	await page.locator("#frames-clear").click();
	t.equal(await page.locator("#frames .frame").count(), 0, "frames after 'Clear'");
};
