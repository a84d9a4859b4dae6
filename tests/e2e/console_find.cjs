// The box that finds values, jumps and silences. See console.cjs.
"use strict";

const MS = 1e6;
const state = (t) => t.text("#find-state");

exports.findValues = async (t) => {
	const page = await t.opened();
	const { hits, frames } = await t.api("find?limit=1000&q=" + encodeURIComponent("gps.speed > 100"));
	t.check(hits.length > 3, "the tape has few hits: " + hits.length);
	await page.locator("#find").fill("gps.speed > 100");
	await page.locator("#find-go").click();
	await t.until("the hits", (n) => document.querySelectorAll("#hits .hit").length === n, hits.length);
	t.equal(await state(t), hits.length.toLocaleString("en-US") + " hits in " + frames.toLocaleString("en-US") + " frames", "the sum");
	await t.until("a flag each", (n) => document.querySelectorAll("#over .hits path").length === n, hits.length);
	const first = await page.locator("#hits .hit").first().innerText();
	t.check(first.includes("gps.speed " + hits[0].value) && first.includes(hits[0].label), "the first hit: " + first);

	// By mouse, then by its keys.
	await page.locator("#hits .hit").nth(1).click();
	await t.untilApi("the deck at the second hit", "deck", (d) => Math.abs(d.time_ns - hits[1].time_ns) < 2 * MS);
	await t.until("its source", (name) => document.getElementById("selected-name").textContent === name, hits[1].label);
	await page.evaluate(() => document.activeElement.blur());
	await page.keyboard.press("j");
	await t.untilApi("the third hit", "deck", (d) => Math.abs(d.time_ns - hits[2].time_ns) < 2 * MS);
	await page.keyboard.press("k");
	await page.keyboard.press("k");
	await t.untilApi("the first hit", "deck", (d) => Math.abs(d.time_ns - hits[0].time_ns) < 2 * MS);
	await page.locator("#find-next").click();
	await t.untilApi("the second hit, by its button", "deck", (d) => Math.abs(d.time_ns - hits[1].time_ns) < 2 * MS);
	t.equal(await page.locator("#hits [aria-selected='true']").count(), 1, "hits that are selected");
	await t.shot("find");

	// A link brings the search back.
	await t.until("the address", () => location.hash.includes("find=gps.speed"));
	await page.reload();
	await t.ready();
	await t.until("the hits after a reload", (n) => document.querySelectorAll("#hits .hit").length === n, hits.length);
	await page.locator("#find-clear").click();
	await t.until("no hits", () => !document.querySelector("#hits .hit") && !document.querySelector("#over .hits path"));
};

exports.findByKeyboard = async (t) => {
	const page = await t.opened("#from=2026-03-01T12:20:00Z&to=2026-03-01T12:30:00Z");
	await page.locator("body").press("e");
	await page.keyboard.type("gap or silent > 90 s");
	await page.keyboard.press("Enter");
	await t.until("hits of the time that is shown", () => / of the time shown$/.test(document.getElementById("find-state").textContent));
	const got = await t.api("find?limit=1000&from=12:20&to=12:30&q=" + encodeURIComponent("gap or silent > 90 s"));
	const rows = await page.locator("#hits .hit").allInnerTexts();
	t.check(rows.some((r) => r.includes("gap connection lost")), "no gap among " + rows.slice(0, 5));
	t.check(rows.length >= got.hits.length, "rows " + rows.length + ", hits " + got.hits.length);

	// Words about what is wrong, and where.
	await page.locator("#find").fill("gps.speed > fast");
	await page.keyboard.press("Enter");
	await t.until("the error", () => /^column 13: .*"fast"/.test(document.getElementById("find-state").textContent));
	t.equal(await page.evaluate(() => document.getElementById("find").selectionStart), 12, "the caret");
	t.equal(await page.locator("#find").getAttribute("aria-invalid"), "true", "the field is marked");
	await page.locator("#find").fill("gps.speed > 100000");
	await page.keyboard.press("Enter");
	await t.until("nothing", () => /^nothing found in /.test(document.getElementById("find-state").textContent));
	t.equal(await page.locator("#hits").isVisible(), false, "an empty list is shown");
	await page.setViewportSize({ width: 400, height: 800 });
	await page.locator("#find").fill("exists gps");
	await page.keyboard.press("Enter");
	await t.until("many hits", () => document.querySelectorAll("#hits .hit").length > 100);
	t.equal(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true, "the page is wider than the screen");
};
