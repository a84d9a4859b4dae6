// The page and its server: a tape that grows, lost connections, tokens, tiles.
// See console.cjs.
"use strict";

exports.live = async (t) => {
	const page = await t.opened();
	await t.until("it is said to be recorded", () => document.getElementById("tape-live").checkVisibility());
	const facts = () => page.locator("#tape-facts").textContent();
	const span = async () => Number(await page.locator("#timeline").getAttribute("aria-valuemax"));
	const [before, frames] = [await span(), await facts()];
	await page.locator("#follow").click();
	await t.until("Follow is pressed", () => document.getElementById("follow").getAttribute("aria-pressed") === "true");
	await t.until("the timeline grows", (old) => Number(document.getElementById("timeline").getAttribute("aria-valuemax")) > old + 1500, before);
	await t.until("the number of frames grows", (old) => document.getElementById("tape-facts").textContent !== old, frames);
	const atEnd = (d) => d.playing && Date.now() - d.time_ns / 1e6 < 5000;
	await t.untilApi("the deck is at the end", "deck", atEnd);
	await t.until("new frames", () => document.querySelectorAll("#frames .frame").length > 10);
	await t.until("the time shown is now", () =>
		Date.parse(document.getElementById("time").textContent.replace(" ", "T")) > Date.now() - 5000);
	const seq = Number(await page.locator("#frames .frame").first().getAttribute("data-seq"));
	await t.until("newer frames", (old) => Number(document.querySelector("#frames .frame").dataset.seq) > old + 20, seq);
	await t.shot("live");
	// Back in time is no longer following; End and f are.
	await page.locator("body").press("Home");
	await t.until("Follow is no longer pressed", () => document.getElementById("follow").getAttribute("aria-pressed") === "false");
	await page.locator("body").press("f");
	await t.untilApi("the deck is at the end again", "deck", atEnd);
	await t.ask("end the recording");
	await t.until("it is no longer said to be recorded", () => !document.getElementById("tape-live").checkVisibility());
	await t.until("Follow is over", () => document.getElementById("follow").disabled &&
		document.getElementById("follow").getAttribute("aria-pressed") === "false");
	const { frames: n } = await t.api("tape");
	await t.until("all frames are counted", (text) => document.getElementById("tape-facts").textContent.startsWith(text), n.toLocaleString("en-US") + " frames");
};

exports.restart = async (t) => {
	const page = await t.opened("#source=10005");
	await page.locator("#goto").fill("12:40");
	await page.locator("#goto").press("Enter");
	await t.until("there", () => document.getElementById("time").textContent.includes(" 12:40:00"));
	await page.locator("#speed").selectOption("5");
	await t.api("deck/loop", { from: "12:35", to: "12:45" });
	await page.locator("#legend [data-event=state]").click();
	const before = await t.untilApi("all that was set", "deck", (d) => d.filter.events.length && d.speed === 5);
	t.equal(before.controls, 5, "calls that controlled the deck: two seeks, speed, loop, filter");
	await t.ask("stop the server");
	await t.until("it is told", () => document.getElementById("link").textContent.startsWith("connection lost"));
	t.equal(await page.locator("#link").getAttribute("data-state"), "lost", "the state of the connection");
	await t.ask("start the server");
	await t.until("it is back", () => document.getElementById("link").textContent === "connected");
	// The new deck is put where the old one was.
	const after = await t.untilApi("the old place", "deck", (d) => d.time_ns / 1e6 === Date.parse("2026-03-01T12:40:00Z") && d.controls === 5);
	t.equal([after.speed, after.loop, after.filter, after.playing], [before.speed, before.loop, before.filter, before.playing], "the new deck");
	await t.until("it is shown", () => document.getElementById("time").textContent.includes(" 12:40:00"));
	await page.locator("#play").click();
	await t.untilApi("the new deck plays", "deck", (d) => d.playing);
	await t.until("its frames", () => document.querySelector("#frames .frame .at")?.textContent.startsWith("12:40:"));

	// While it played, too; but not if somebody else has moved the new one.
	await t.ask("stop the server");
	await t.until("it is told again", () => document.getElementById("link").textContent.startsWith("connection lost"));
	await t.ask("start the server");
	await t.untilApi("it plays again, at the old place", "deck", (d) => d.playing && d.time_ns / 1e6 > Date.parse("2026-03-01T12:40:00Z"));
	// The page connects again only after this call.
	let release = null;
	const moved = new Promise((done) => {
		release = done;
	});
	await page.route("**/api/deck", async (route) => {
		await moved;
		await route.continue();
	});
	await t.ask("stop the server");
	await t.until("it is told once more", () => document.getElementById("link").textContent.startsWith("connection lost"));
	await t.ask("start the server and move its deck");
	release();
	await t.until("it is back again", () => document.getElementById("link").textContent === "connected");
	await page.waitForTimeout(1000);
	const { time_ns: at } = await t.api("deck");
	t.equal(at / 1e6, Date.parse("2026-03-01T12:11:00Z"), "the place to which another program moved it");
};

exports.token = async (t) => {
	// Typed in, wrong at first.
	let page = await t.open();
	await t.until("it is asked for", () => document.getElementById("token-dialog").open);
	t.equal(await t.text("#link"), "connecting", "the connection, before the token");
	await t.shot("token");
	await page.locator("#token").fill("not this one");
	await page.keyboard.press("Enter");
	await t.until("it is asked for again", () => document.getElementById("token-dialog").open &&
		document.getElementById("token-wrong").textContent !== "");
	await page.locator("#token").fill(t.asked.token);
	await page.keyboard.press("Enter");
	await t.ready();
	t.check(!await page.locator("#token-dialog").isVisible(), "it is still asked for");
	await t.until("the connection", () => document.getElementById("link").textContent === "connected");
	await page.locator("#play").click();
	await t.untilApi("it can be played", "deck", (d) => d.playing);
	await page.locator("#play").click();
	await t.untilApi("it can be paused", "deck", (d) => !d.playing);
	// Kept for the tab.
	await page.reload();
	await t.ready();

	// In the address, from which it goes at once; the rest stays.
	page = await t.opened("#token=" + t.asked.token + "&q=van+1");
	t.check(!page.url().includes(t.asked.token), "the token stays in the address: " + page.url());
	t.equal(await page.locator("#search").inputValue(), "van 1", "the search beside the token");
	await page.goto(t.url + "x").catch(() => {});
	await page.goBack();
	t.check(!page.url().includes("token="), "the token is in the history: " + page.url());
};

exports.tiles = async (t) => {
	const page = await t.opened();
	const [tiles] = t.asked.origins;
	await t.until("tiles", () => document.querySelectorAll("#map img.leaflet-tile-loaded").length > 3);
	const asked = t.requests.filter((url) => url.startsWith(tiles));
	t.check(asked.length > 3 && asked.every((url) => /\/tiles\/\d+\/\d+\/\d+\.png$/.test(url)), "requests for tiles: " + asked);
	// Sources are drawn over them.
	const order = await page.evaluate(() => ["tile", "sources"].map((name) => Number(getComputedStyle(document.querySelector(".leaflet-" + name + "-pane")).zIndex)));
	t.check(order[0] < order[1], "tiles lie over the sources");
	await t.shot("tiles");
};

/** Nothing but the server is asked for anything; end() looks at each request. */
exports.alone = async (t) => {
	const page = await t.opened("#source=10005");
	await t.until("a track", () => Number(document.getElementById("map").dataset.track) > 1);
	await page.locator("#map .leaflet-control-zoom-in").click();
	await page.locator("#unselect").click();
	await page.locator("#speed").selectOption("100");
	await page.locator("#play").click();
	await t.until("frames", () => document.querySelectorAll("#frames .frame").length > 50);
	t.check(t.requests.length > 20, "few requests were seen: " + t.requests);
	t.check(t.requests.some((url) => url.includes("/control")), "the control socket was not seen: " + t.requests);
	t.check(!await page.locator("#map img").count(), "there are pictures on the map");
	t.equal(await page.evaluate(() => new Promise((done) => {
		document.addEventListener("securitypolicyviolation", (e) => {
			e.stopImmediatePropagation();
			done(e.effectiveDirective);
		});
		document.body.append(Object.assign(document.createElement("img"), { src: "https://example.com/x.png" }));
	})), "img-src", "what forbids a picture of another server");
};

// A folder of tapes: the list, its search, and opening, by mouse and by keyboard.
exports.folder = async (t) => {
	const page = await t.opened();
	t.equal(await t.text("#tape-name"), "late.tape", "the tape that begins last");
	await page.locator("#tapes").click();
	await t.until("the tapes", () => document.querySelectorAll("#tapes-list .tape").length === 2);
	t.check((await t.text("#tapes-list [aria-current]")).includes("late.tape"), "the one that is open");
	await page.locator("#tapes-search").fill("GATE");
	await t.until("the one with the bookmark", () => document.querySelectorAll("#tapes-list .tape").length === 1);
	t.equal(await t.text("#tapes-state"), "1 of 2 tapes", "the sum");
	await t.shot("tapes");
	await page.locator("#tapes-list .tape").click();
	await t.until("the other tape", () => document.getElementById("tape-name").textContent === "early.tape");
	await t.ready();

	await page.locator("#tapes").focus();
	await page.keyboard.press("Enter");
	await t.until("the tapes again", () => document.querySelectorAll("#tapes-list .tape").length === 2);
	await page.keyboard.press("Tab");
	await page.keyboard.press("Enter");
	await t.until("the first tape again", () => document.getElementById("tape-name").textContent === "late.tape");
};
