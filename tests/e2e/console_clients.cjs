// Who is connected, and their messages. See console.cjs; the test is the client that is
// looked at.
"use strict";

exports.clients = async (t) => {
	const page = await t.opened();
	const row = (id) => page.locator(".client[data-client='" + id + "']");
	const head = (id) => row(id).locator(":scope > summary");
	const messages = (n) => t.until(n + " messages", (n) => document.querySelectorAll(".message").length >= n, n);
	const has = (words, text) => t.until(words, (text) => document.getElementById("clients-panel").innerText.includes(text), text);

	// The page sees itself, and the frames are where they were.
	await t.until("the page itself", () => document.getElementById("clients-n").textContent === "1");
	t.check(await page.locator("#frames-panel").isVisible() && !await page.locator("#clients-panel").isVisible(), "the frames at first");
	await page.locator("#clients-open").click();
	t.check(!await page.locator("#frames-panel").isVisible() && await page.locator("#clients-panel").isVisible(), "the clients");
	t.equal(await page.locator("#clients-open").getAttribute("aria-expanded"), "true", "what a screen reader hears");
	await has("what it is", "control");
	await has("what it asked for", "changes of the deck, states, frames, clients");

	// Another one comes, asks, and is sent something.
	const id = await t.ask("connect");
	await t.until("the other one", () => document.getElementById("clients-n").textContent === "2");
	await head(id).click();
	await t.ask("subscribe");
	await messages(3);
	await has("its subscription in words", "state of 2 sources");
	await has("and raw", '"trackers":[1,2]');
	t.check(!(await t.text("#clients-panel")).includes(t.asked.secret), "a secret is shown");
	const last = page.locator(".message[data-way=received]").first();
	await last.locator("summary").click();
	t.check((await last.locator("pre").innerText()).includes('"action": "subscribe"'), "the message, opened");
	await last.locator("summary").click();
	await t.shot("clients");

	// It follows, pauses, and goes on.
	const pause = row(id).locator(".body button", { hasText: /Pause|Go on/ });
	const count = () => page.locator(".message").count();
	await pause.click();
	const before = await count();
	await t.ask("say");
	await t.until("that there is more", () => [...document.querySelectorAll(".client button")].some((b) => /new/.test(b.textContent)));
	t.equal(await count(), before, "while it is paused");
	await pause.focus();
	await page.keyboard.press("Enter");
	await messages(before + 2);
	t.check((await page.locator(".message .what").allInnerTexts()).some((text) => text.includes("dance")), "what it said");

	// By keys: c leads back and here again, arrows from row to row, Enter closes and opens.
	await page.locator("#clients-close").focus();
	await page.keyboard.press("c");
	await t.until("the frames", () => document.getElementById("frames-panel").checkVisibility());
	await page.keyboard.press("c");
	await t.until("the clients", () => document.getElementById("clients-panel").checkVisibility());
	await head(id).focus();
	await page.keyboard.press("Enter");
	await t.until("closed", (id) => !document.querySelector(".client[data-client='" + id + "']").open, String(id));
	await page.keyboard.press("ArrowDown");
	t.equal(await page.evaluate(() => document.activeElement.parentElement.dataset.client), String(id - 1), "the row below");
	await page.keyboard.press("ArrowUp");
	await page.keyboard.press("Enter");
	await messages(before + 2);

	// It leaves, and stays.
	await t.ask("leave");
	await has("how it ended", "ended by the client, code 4001: enough");
	t.equal(await t.text("#clients-count"), "1 connected, 1 left", "the count");
	t.check(await count() > 0, "its messages are gone");
	await page.emulateMedia({ colorScheme: "dark" });
	await t.shot("clients-left");

	// On a narrow screen they are a tab.
	await page.setViewportSize({ width: 400, height: 800 });
	await page.locator("#tab-map").click();
	await page.locator("#tab-clients").click();
	t.check(await row(id).isVisible(), "the tab");
	t.check(await page.evaluate(() => document.documentElement.scrollWidth <= 400), "it is too wide");
	await t.shot("clients-narrow");
};
