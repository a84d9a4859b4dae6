// What rows of frames show, and what is copied of them. See console.cjs.
"use strict";

exports.rows = async (t) => {
	const page = await t.opened("#source=1");
	const what = (seq) => page.locator("#frames .frame[data-seq='" + seq + "'] .what");
	const is = (words, seq, want) => t.until(words, ([seq, want]) =>
		document.querySelector("#frames .frame[data-seq='" + seq + "'] .what")?.textContent === want, [seq, want]);
	const row = (seq) => page.locator("#frames .frame[data-seq='" + seq + "']");

	// Values that changed, times last; the first one has nothing before it.
	await is("what changed", 3, "Δ speed 77, updated 2026-03-01 12:00:02");
	await is("nothing changed", 4, "no change");
	t.check((await what(2).innerText()).startsWith("speed 66"), "the first: " + await what(2).innerText());
	await is("an element of a batch", 6, "2 parts: Δ speed 5");

	// Pinned ones.
	await row(3).locator("summary").click();
	const pin = (name) => row(3).locator("pre > div", { hasText: '"' + name + '"' }).locator(".pin");
	await pin("ready").hover();
	await pin("ready").click();
	await is("a value that was pinned", 3, "ready true");
	await is("in other rows too", 4, "ready true");
	await pin("speed").focus();
	await page.keyboard.press("Enter");
	await is("two of them", 4, "ready true, speed 77");
	await is("in a batch", 6, "2 parts: speed 5");
	await t.shot("frames-pinned");
	await page.reload();
	await t.ready();
	await is("after a reload", 4, "ready true, speed 77");
	await page.locator("#pins button", { hasText: "ready" }).click();
	await page.locator("#pins button", { hasText: "speed" }).click();
	await is("none again", 3, "Δ speed 77, updated 2026-03-01 12:00:02");

	// Marks in words, which are compared with nothing.
	await page.keyboard.press("Escape");
	await is("a bookmark", 7, "gate opened");
	await is("a gap", 5, "100 s missing: connection lost, 12:00:02Z to 12:01:42Z");
	await row(5).locator("summary").click();
	await t.until("its body", () => document.querySelector("#frames .frame[open] pre"));
	t.check(!/first frame|compare/.test(await row(5).innerText()) && !await row(5).locator(".changed").count(), "a mark is compared");
	await t.shot("frames-marks");
	await row(5).locator("summary").click();

	// Copies, by button and by key: to the byte.
	await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
	const copied = () => page.evaluate(() => navigator.clipboard.readText());
	const told = (words) => t.until(words, (words) => document.getElementById("notice").textContent === words, words);
	await row(3).locator("summary").click();
	await row(3).getByRole("button", { name: "Copy JSON" }).click();
	await told("The payload is copied.");
	t.equal(await copied(), t.asked.payload, "the payload");
	await row(3).getByRole("button", { name: "Copy envelope" }).click();
	await told("The envelope is copied.");
	t.equal(await copied(), t.asked.envelope, "the envelope");
	await row(3).locator("summary").focus();
	await page.keyboard.press("ArrowDown");
	t.equal(await page.evaluate(() => document.activeElement.closest(".frame").dataset.seq), "2", "the row below");
	await page.keyboard.press("ArrowUp");
	await page.keyboard.press("y");
	await told("The payload is copied.");
	t.equal(await copied(), t.asked.payload, "the payload by a key");
	await page.keyboard.press("l");
	await told("A link to this frame is copied.");
	const link = new URL(await copied());
	t.check(/source=1(&|$)/.test(link.hash) && link.hash.includes("t=2026-03-01T12:00:02.001"), "the link: " + link);
	await page.keyboard.press("u");
	await told("The envelope is copied.");
	t.equal(await copied(), t.asked.envelope, "the envelope by a key");
};
