// Several sources at once. See console.cjs.
"use strict";

/** The names of the rows that are selected, in the list's order. */
const chosen = () => [...document.querySelectorAll("#sources .row[aria-selected=true]")].filter((el) => el.checkVisibility())
	.sort((a, b) => a.getAttribute("aria-posinset") - b.getAttribute("aria-posinset")).map((el) => el.querySelector(".name").textContent).join();

exports.several = async (t) => {
	const page = await t.opened();
	const row = (n) => page.locator("#sources .row:visible", { hasText: new RegExp("^Van " + n + "\\D") });
	const are = (words, names) => t.until(words, new Function("want", "return (" + chosen + ")() === want"), names);
	await row(3).click();
	await are("one", "Van 3");
	await row(5).click({ modifiers: ["Control"] });
	await are("two", "Van 3,Van 5");
	t.equal(await t.text("#selected-name"), "Van 5 +1", "the card");
	await row(8).click({ modifiers: ["Shift"] });
	await are("a range from the last one", "Van 5,Van 6,Van 7,Van 8");
	await row(6).click({ modifiers: ["Control"] });
	await are("without one of them", "Van 5,Van 7,Van 8");
	await t.until("the address", () => /source=10008,10005,10007(&|$)/.test(location.hash));
	await t.until("frames of all of them", () => {
		const of = new Set([...document.querySelectorAll("#frames .frame")].map((el) => el.dataset.of));
		return [...of].sort().join() === "10005,10007,10008";
	});
	t.equal(await t.text("#frames-of"), "of Van 8, Van 5, Van 7", "whose frames they are");
	await t.shot("several");

	// They are what "Only selected" plays.
	await page.locator("#only").click();
	const { filter } = await t.untilApi("the filter", "deck", (d) => d.filter.sources.length);
	t.equal(filter.sources, ["10008", "10005", "10007"], "what is played");
	await page.locator("#only").click();
	await t.untilApi("no filter", "deck", (d) => !d.filter.sources.length);

	// A reload keeps them, and the space bar plays after clicks.
	await page.reload();
	await t.ready();
	await are("after a reload", "Van 5,Van 7,Van 8");
	t.equal(await t.text("#selected-name"), "Van 8 +2", "the card after a reload");
	await row(9).click();
	await are("a click alone selects one", "Van 9");
	await page.keyboard.press(" ");
	await t.until("space plays after a click", () => document.getElementById("play").dataset.playing === "true");
	await page.keyboard.press(" ");
	await t.untilApi("and pauses", "deck", (d) => !d.playing);

	// By keys alone.
	await page.keyboard.press("Escape");
	await are("none", "");
	await page.locator("#search").focus();
	await page.keyboard.press("ArrowDown");
	await page.keyboard.press("ArrowDown");
	await are("the first", "Van 1");
	await page.keyboard.press("Control+ArrowDown");
	await page.keyboard.press("Control+ArrowDown");
	await are("still the first", "Van 1");
	await page.keyboard.press(" ");
	await are("and the third", "Van 1,Van 3");
	t.equal(await page.locator("#sources .row.active .name").innerText(), "Van 3", "where the list is");
	await page.keyboard.press("Shift+ArrowDown");
	await page.keyboard.press("Shift+ArrowDown");
	await are("a range", "Van 3,Van 4,Van 5");
	await page.keyboard.press("Shift+ArrowUp");
	await are("a shorter range", "Van 3,Van 4");
	await page.keyboard.press(" ");
	await are("without the last", "Van 3");
	await page.locator("#search").fill("van 2");
	await t.until("the search", () => document.getElementById("sources-count").textContent === "12 of 30");
	await page.locator("#sources").focus();
	await page.keyboard.press("Control+a");
	await t.until("all that were found", () => /\+11$/.test(document.getElementById("selected-name").textContent));
	t.equal((await t.api("deck")).playing, false, "it plays after the space bar in the list");

	// On the map.
	await page.locator("#search").fill("");
	await page.keyboard.press("Escape");
	await page.keyboard.press("Escape");
	await are("none again", "");
	await page.locator("#map-fit").click();
	// What is green moves.
	const spots = await page.evaluate(() => {
		const canvas = document.querySelector("#map canvas"), ctx = canvas.getContext("2d");
		const { data } = ctx.getImageData(0, 0, canvas.width, canvas.height);
		const green = (d, i) => d[i + 3] > 250 && d[i + 1] > d[i] + 40 && d[i + 1] > d[i + 2] + 40;
		const found = [];
		for (let y = 80; y < canvas.height - 60; y++)
			for (let x = 80; x < canvas.width - 80; x++)
				if (green(data, (y * canvas.width + x) * 4) && found.every((p) => Math.hypot(p[0] - x, p[1] - y) > 90))
					found.push([x, y + 4]);
		return found;
	});
	t.check(spots.length >= 2, "few sources are drawn: " + spots);
	const box = await page.locator("#map").boundingBox();
	await page.mouse.click(box.x + spots[0][0], box.y + spots[0][1]);
	await t.until("one by a click on the map", () => document.getElementById("selected-card").checkVisibility());
	await page.keyboard.down("Control");
	await page.mouse.click(box.x + spots[1][0], box.y + spots[1][1]);
	await page.keyboard.up("Control");
	await t.until("two", () => /\+1$/.test(document.getElementById("selected-name").textContent));
};

/** Ids that a list must not take apart. */
exports.oddIds = async (t) => {
	const page = await t.opened();
	await t.until("the sources", () => document.getElementById("sources-count").textContent === "4");
	await page.locator("#sources").focus();
	await page.keyboard.press("Control+a");
	await t.until("frames of all", () => document.querySelectorAll("#frames .frame").length === 4);
	await page.locator("#only").click();
	const { filter } = await t.untilApi("the filter", "deck", (d) => d.filter.sources.length === 4);
	t.equal([...filter.sources].sort(), ["7", "a,b", "back\\slash", 'x"y'], "what is played");
	await t.until("the address", () => location.hash.includes("only="));
	const { source } = t.hash();
	await page.keyboard.press("Escape");
	await t.until("none", () => !location.hash.includes("source="));
	await page.evaluate((source) => {
		location.hash = "source=" + encodeURIComponent(source);
	}, source);
	await t.until("all again", () => document.querySelectorAll("#sources .row[aria-selected=true]").length === 4);
};

/** What is typed, and the sources that it finds. */
exports.words = async (t) => {
	const page = await t.opened();
	t.equal((await t.api("trackers")).trackers.map((x) => x.label), ["Łódź Ångström", "Straße 5", "ÇELİK İstanbul", "Clone of Łódź"], "the list");
	for (const [typed, want] of [["lodz", "10001"], ["ANGSTRÖM łódź", "10001"], ["lodz strasse", ""], ["strasse", "10002"], ["STRASSE 5", "10002"],
		["celik", "10003"], ["çelİk istanbul", "10003"], ["10004", "10004"], ["72", "10002"], ["356307042441013", "10001"], ["2032", "10002"],
		["clone", "10001"], ["74", "10001"], ["1000", "10001,10002,10003,10004"]]) {
		await page.locator("#search").fill(typed);
		await t.until(typed + " finds " + want, (ids) => [...document.querySelectorAll("#sources .row[data-source]")].filter((el) => el.checkVisibility())
			.map((el) => el.dataset.source).sort().join() === ids, want);
	}
	t.equal(await page.locator("#sources-none").isVisible(), false, "that none matches");
};
