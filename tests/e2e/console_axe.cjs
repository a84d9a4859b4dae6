// What axe-core finds wrong for people who read with a screen reader, see little, or use the
// keyboard: nothing, in light and dark, on a wide and a narrow screen. See console.cjs.
"use strict";

const fs = require("fs");

const SIZES = { wide: { width: 1280, height: 800 }, narrow: { width: 400, height: 800 }, zoomed: { width: 640, height: 400 } };

/** Look at the page as it is. */
async function judge(t, words) {
	if (!await t.page.evaluate(() => Boolean(window.axe)))
		await t.page.evaluate(fs.readFileSync(t.asked.axe, "utf8"));
	const found = await t.page.evaluate(async () => {
		const { violations } = await window.axe.run(document, { resultTypes: ["violations"] });
		return violations.flatMap((v) => v.nodes.map((n) => v.id + " at " + n.target.join(" ") + ": " +
			n.failureSummary.split("\n").slice(1).map((line) => line.trim()).join("; ")));
	});
	if (found.length)
		await t.shot("axe-" + words.replace(/\W+/g, "-"));
	return found.map((f) => words + ": " + f);
}

/** Call fn(look, size) in the size and theme that are asked for; look(words) judges what is
 * there. */
async function judged(t, hash, fn) {
	const { size, colorScheme } = t.asked;
	const wrong = [];
	await t.open(t.url + hash, { viewport: SIZES[size], colorScheme });
	await fn(async (words) => wrong.push(...await judge(t, size + " " + colorScheme + ", " + words)), size);
	t.check(!wrong.length, "axe-core finds:\n" + wrong.join("\n"));
}

exports.axe = (t) => judged(t, "#source=10005,10007", async (look, size) => {
	const { page } = t;
	await t.ready();
	await look("the first picture");
	if (size !== "wide") {
		await page.locator("#tab-sources").click();
		await t.until("the sources", () => document.querySelector("#sources .row[data-source]"));
		await look("the sources");
		await page.locator("#tab-frames").click();
	}
	await t.until("frames", () => document.querySelector("#frames .frame"));
	await page.locator("#frames .frame summary").first().click();
	await t.until("a payload", () => document.querySelector("#frames pre"));
	await look("a frame that is open");
	await page.locator("#clients-open").click();
	await page.locator(".client summary").first().click();
	await t.until("messages", () => document.querySelector(".message"));
	await page.locator(".message summary").last().click();
	await look("a client that is open");
	await page.locator("#clients-close").click();
	await page.locator("#find").fill("jump > 1 m");
	await page.keyboard.press("Enter");
	await t.until("hits", () => document.querySelector("#hits .hit"));
	await page.locator("#hits .hit").first().click();
	await look("hits");
	await page.locator("#find").fill("speed >");
	await page.keyboard.press("Enter");
	await t.until("what is wrong", () => document.getElementById("find-state").classList.contains("bad"));
	await look("a wrong expression");
	await page.locator("#goto").fill("noon");
	await page.locator("#goto").press("Enter");
	await t.until("what is wrong with the time", () => !document.getElementById("goto-wrong").hidden);
	await look("a wrong time");
	await page.locator("#goto").fill("");
	await page.locator("#loop-b").click();
	await page.locator("#loop-b").blur();
	if (size !== "wide")
		await page.locator("#tab-sources").click();
	await page.locator("#search").fill("nothing has this name");
	await t.until("no source", () => !document.getElementById("sources-none").hidden);
	await look("no source matches");
	await page.locator("#search").fill("");
	await page.locator("#help").click();
	await look("the help");
	await page.keyboard.press("Escape");
	await page.evaluate(() => {
		location.hash = "t=2026-03-01T12:05:00Z&only=10007";
	});
	await t.until("the question", () => document.getElementById("ask").checkVisibility());
	await look("the question of a link");
	await page.locator("#ask-no").click();
});

exports.axeToken = (t) => judged(t, "", async (look) => {
	await t.until("the token is asked for", () => document.getElementById("token-dialog").open);
	await look("the token");
});

exports.axeTapes = (t) => judged(t, "", async (look) => {
	await t.ready();
	await t.page.locator("#tapes").click();
	await t.until("the tapes", () => document.querySelector("#tapes-list .tape"));
	await look("the tapes");
	await t.page.locator("#tapes-search").fill("nothing has this name");
	await look("no tape matches");
});

exports.axeCompared = (t) => judged(t, "", async (look) => {
	await t.ready();
	await t.until("the other tape", () => document.getElementById("compare-panel").checkVisibility());
	await t.page.locator("#compare-go").click();
	await t.until("differences", () => document.querySelector("#differences .hit"));
	await t.page.locator("#differences .hit").first().click();
	await look("differences");
});

/** A tape with nothing on it. */
exports.axeEmpty = (t) => judged(t, "", async (look) => {
	await t.ready();
	t.equal(await t.text("#timeline-none"), "This tape has no frames.", "what the timeline says");
	t.equal(await t.page.locator("#sources-none").textContent(), "No frame of this tape names a source.", "what the list says");
	await look("an empty tape");
	await t.shot("empty");
});
