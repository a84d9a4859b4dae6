// Bookmarks from the page. See console.cjs.
"use strict";

const notes = async (t) => (await t.api("marks")).marks.filter((m) => m.mark === "note").map((m) => m.text);

exports.bookmarksSet = async (t) => {
	const page = await t.opened();
	const { time_ns } = await t.api("deck");

	// By keyboard alone: at the deck's time.
	await page.locator("body").press("b");
	await t.until("the dialog", () => document.getElementById("bookmarks-dialog").open);
	await page.keyboard.type("a van vanished");
	await page.keyboard.press("Enter");
	await t.until("it is listed", () => [...document.querySelectorAll(".bookmark .name")].some((el) => el.textContent === "a van vanished"));
	t.equal(await notes(t), ["a van vanished"], "the tape's bookmarks");
	t.equal((await t.api("marks")).marks.find((m) => m.text === "a van vanished").time_ns, time_ns, "its time");
	await t.shot("bookmarks");

	// Renamed and removed by mouse; the timeline and the list follow.
	await page.locator(".bookmark button", { hasText: "Rename" }).click();
	await page.keyboard.type("it vanished here");
	await page.keyboard.press("Enter");
	await t.until("the new text", () => document.querySelector(".bookmark .name")?.textContent === "it vanished here");
	t.equal(await notes(t), ["it vanished here"], "renamed");
	await page.locator("#bookmarks-dialog form[method=dialog] button").click();
	await t.until("a flag", () => document.querySelector("#over .flag title")?.textContent === "it vanished here");
	await page.locator("body").press("End");
	await t.untilApi("the deck at the end", "deck", (d) => d.time_ns !== time_ns);
	await page.locator("#bookmark").click();
	await page.locator(".bookmark button", { hasText: "Go" }).click();
	await t.untilApi("the deck there", "deck", (d) => d.time_ns === time_ns);

	await page.locator("body").press("b");
	await page.setViewportSize({ width: 400, height: 800 });
	await t.until("no wider than the window", () => document.documentElement.scrollWidth <= 400 &&
		document.getElementById("bookmarks-dialog").scrollWidth <= 400);
	await page.locator(".bookmark button", { hasText: "Remove" }).press("Enter");
	await t.until("none", () => document.getElementById("bookmarks-none").checkVisibility());
	t.equal(await notes(t), [], "removed");
	await page.keyboard.press("Escape");
	await t.until("no flag", () => !document.querySelector("#over .flag"));
};
