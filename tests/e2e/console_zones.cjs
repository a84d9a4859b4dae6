// Times in several zones, around a change of the clocks. See console.cjs.
"use strict";

exports.zones = async (t) => {
	const { judged, times } = t.asked;
	const page = await t.opened("", { timezoneId: "America/New_York" });
	const shown = () => t.text("#time");
	const at = async (words, ms) => {
		await t.untilApi(words, "deck", (d) => Math.abs(d.time_ns / 1e6 - ms) < 1);
		await t.until(words + ", shown", (ms) => document.getElementById("timeline").getAttribute("aria-valuenow") === String(ms), ms);
	};
	const both = async (zone) => {
		for (const [i, ms] of times.entries()) {
			await t.api("deck/seek", { to: new Date(ms).toISOString() });
			await t.until("in " + zone + " " + judged[zone][i], (want) => document.getElementById("time").textContent === want, judged[zone][i]);
		}
	};
	const pick = async (value) => {
		await page.locator("#zone").selectOption(value);
		await t.until("the choice " + value, (value) => document.getElementById("zone").value === value, value);
	};

	// The server's zone is where it begins.
	t.equal(await page.locator("#zone").inputValue(), "Europe/Berlin", "the zone at first");
	await both("Europe/Berlin");
	t.equal(await page.locator(".axis-zone").textContent(), "UTC+02", "what the axis says");
	await t.until("frames", () => document.querySelector("#frames .frame .at")?.textContent.endsWith("+02"));

	// Go to takes times of that zone; an hour that is left out, relative ones, and others with their zone.
	const goTo = async (text, ms) => {
		await page.locator("body").press("g");
		await page.locator("#goto").fill(text);
		await page.keyboard.press("Enter");
		await at("the deck at " + text, ms);
	};
	await goTo("01:50", times[0]);
	await goTo("03:10", times[1]);
	await goTo("2026-03-29 01:50:00", times[0]);
	await goTo("01:10Z", times[1]);
	await goTo("+20m", times[0]);

	await pick("UTC");
	await both("UTC");
	await t.until("frames in UTC", () => document.querySelector("#frames .frame .at")?.textContent.endsWith("Z"));
	await goTo("00:50", times[0]);
	await t.until("the address", () => location.hash.includes("zone=UTC"));
	await pick("browser");
	await both("America/New_York");
	await goTo("20:50", times[0]);
	await t.until("the address names it", () => location.hash.includes("zone=America%2FNew_York"));
	await pick("feed");
	await t.until("the zone of the feed", () => document.querySelector("#zone option:checked").textContent === "feed: UTC, UTC+01");
	await both("Europe/London");
	await goTo("02:10", times[1]);
	await page.locator("#timeline").hover();
	await t.until("the time under the pointer", () => /\d(Z|\+01)$/m.test(document.getElementById("readout").textContent.split("\n")[0]));
	await t.shot("zones");

	// The choice is kept without an address, too.
	await page.goto("about:blank");
	await page.goto(t.url);
	await t.ready();
	await t.until("the choice is kept", () => document.getElementById("zone").value === "feed");
	// An address has another, which is for that page alone.
	await page.goto("about:blank");
	await page.goto(t.url + "#zone=Asia/Kathmandu");
	await t.ready();
	await t.until("the zone of the address", () => document.getElementById("zone").value === "Asia/Kathmandu");
	await both("Asia/Kathmandu");
	await goTo("06:35", times[0]);
	await page.evaluate(() => {
		location.hash = "zone=Nowhere/None";
	});
	await t.until("no such zone", () => document.getElementById("notice").textContent.includes("Nowhere/None"));
	t.equal(await page.locator("#zone").inputValue(), "Asia/Kathmandu", "the zone after a wrong one");
	t.check(/\+05:45$/.test(await shown()), "the time after a wrong zone: " + await shown());
};

exports.noZone = async (t) => {
	const page = await t.opened("", { timezoneId: "UTC" });
	t.equal(await page.locator("#zone option").allInnerTexts(), ["UTC", "feed's"], "the choices");
	await page.locator("#zone").selectOption("feed");
	await t.until("that none is found", () => document.getElementById("notice").textContent.includes("--feed-zone"));
	t.equal(await page.locator("#zone").inputValue(), "UTC", "the choice after that");
};
