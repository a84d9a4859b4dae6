// Sources that are silent, and a recorder that loses its connection. See console.cjs.
"use strict";

exports.silent = async (t) => {
	const page = await t.opened();
	const status = (name, want) => t.until(name + " is " + want, ([name, want]) => [...document.querySelectorAll("#sources .row")].some((row) =>
		row.checkVisibility() && row.querySelector(".name").textContent === name && row.querySelector(".state").textContent === want), [name, want]);
	const go = async (to) => {
		await t.api("deck/seek", { to });
	};
	await go("+4m");
	await status("1", "moving");
	await status("2", "moving");
	// 10 s is its rhythm, but nobody is silent within a minute.
	await go("+5m50s");
	await status("2", "moving");
	await go("+6m10s");
	await status("2", "silent");
	await status("1", "moving");
	// The third one speaks each two minutes: it is silent after eight.
	await go("+19m50s");
	await status("3", "moving");
	await t.shot("silent");
	t.equal(await page.locator(".row .dot[data-status=silent]").count(), 1, "grey rows");
	await page.locator("#status").selectOption("silent");
	await t.until("only that one", () => document.getElementById("sources-count").textContent === "1 of 3");
	await status("2", "silent");
	t.equal(t.hash().status ?? "silent", "silent", "the address");
	await page.locator("#status").focus();
	await page.keyboard.press("Home");
	await t.until("all again", () => document.getElementById("sources-count").textContent === "3");
	// It plays into the silence.
	await go("+5m55s");
	await status("2", "moving");
	await t.api("deck/speed", { speed: 10 });
	await t.api("deck/play", {});
	await status("2", "silent");
	await t.api("deck/pause", {});
};

exports.recorder = async (t) => {
	const page = await t.opened();
	const says = (words, re) => t.until(words, (re) => new RegExp(re).test(document.getElementById("recorder").textContent), re);
	await says("that it is connected", "^Recorder connected since \\d\\d:.*, last frame \\d+ s ago$");
	await page.locator("#follow").focus();
	await page.keyboard.press("Enter");
	await t.until("Follow is pressed", () => document.getElementById("follow").getAttribute("aria-pressed") === "true");
	await t.ask("cut");
	await says("that it is not", "^Recorder reconnecting since \\d\\d:");
	t.equal(await t.text("#link"), "connected", "the page's own connection");
	await t.shot("reconnecting");
	await says("how old the last frame is", "last frame [3-9] s ago$");
	await t.ask("back");
	await says("that it is connected again", "^Recorder connected since");
	await t.until("the gap", () => /^Gap: .* missing until .*/.test(document.getElementById("notice").textContent));
	await t.shot("gap");
	await t.ask("end");
	await says("that it has stopped", "^Recorder stopped since \\d\\d:");
};
