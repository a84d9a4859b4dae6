// A tape beside the played one: its strip, its sources on the map, what differs.
// See console.cjs.
"use strict";

const shown = (selector) => document.querySelector(selector).checkVisibility();

exports.compared = async (t) => {
	const page = await t.opened();
	await t.until("the strip", shown, "#compare-strip");
	t.check(/^other\.tape, 60 min later$/.test(await t.text("#compare-name")), "its name: " + await t.text("#compare-name"));
	const frames = await t.api("tape?tape=compared");
	await t.until("all its frames in the strip", (n) => Number(document.getElementById("compare-strip").dataset.frames) === n, frames.frames);
	await t.until("its sources on the map", () => document.querySelector("#map").dataset.compared === "2");

	await page.locator("#compare-go").click();
	const { differences, totals } = await t.api("differences?limit=1000");
	await t.until("the list", (n) => document.querySelectorAll("#differences .hit").length === n, differences.length);
	t.equal(await t.text("#compare-state"), totals.changed + " changed, " + totals.missing + " only on the played tape", "the sum");
	const row = page.locator("#differences .hit", { hasText: "gps" }).first();
	t.check(/\/gps\/\S+ 20 → 50/.test(await row.innerText()), "a changed one: " + await row.innerText());
	t.equal(await page.locator('#sources .row[data-source="1"] .name').getAttribute("data-differs"), "", "a source that is the same");
	t.equal(await page.locator('#sources .row[data-source="2"] .name').getAttribute("data-differs"), "5", "a source that differs");

	// By mouse, then by the buttons and their keys.
	await row.click();
	await t.untilApi("the deck there", "deck", (d) => Math.abs(d.time_ns - differences.find((x) => x.kind === "changed").a.time_ns) < 2e6);
	await t.until("its source", () => document.getElementById("selected-name").textContent === "2");
	const chosen = () => [...document.querySelectorAll("#differences .hit")].findIndex((el) => el.getAttribute("aria-selected") === "true");
	const before = await page.evaluate(chosen);
	const at = (words, i) => t.until(words, (want) => {
		const rows = [...document.querySelectorAll("#differences .hit")];
		return rows.filter((el) => el.getAttribute("aria-selected") === "true").length === 1 && rows[want].getAttribute("aria-selected") === "true";
	}, i);
	await page.locator("#compare-next").focus();
	await page.keyboard.press("Enter");
	await at("the next one", before + 1);
	await page.locator("#compare-previous").focus();
	await page.keyboard.press("Enter");
	await at("the one before", before);
	await t.shot("compare");
	await page.evaluate(() => document.getElementById("theme").click());
	await t.shot("compare-other-theme");

	await page.locator("#compare-show").press("Enter");
	await t.until("it is hidden", () => !document.getElementById("compare-strip").checkVisibility() && !document.getElementById("differences").checkVisibility());
	t.equal(await page.locator("#compare-show").getAttribute("aria-pressed"), "false", "the button says so");
	await page.locator("#compare-show").press("Enter");
	await t.until("it is back", shown, "#differences");

	// In the time that is shown, where nothing differs.
	await page.evaluate(() => {
		location.hash = "#from=2026-03-01T12:51:48.500Z&to=2026-03-01T12:51:53.500Z";
	});
	await t.until("the view", () => location.hash.includes("12:51:48.5"));
	await page.locator("#compare-go").click();
	await t.until("the new list", () => /only on the played tape/.test(document.getElementById("compare-state").textContent) &&
		document.querySelectorAll("#differences .hit").length === 5);

	await page.setViewportSize({ width: 400, height: 800 });
	await t.until("no wider than the window", () => document.documentElement.scrollWidth <= 400);
};
