// Without a mouse, and without eyes. See console.cjs.
"use strict";

/** A name for what has the focus. */
const focused = () => {
	const el = document.activeElement;
	return el === document.body ? "" : el.id || (el.dataset.sort && "by " + el.dataset.sort) || el.dataset.event || el.className || el.title || el.tagName;
};

exports.keyboard = async (t) => {
	const page = await t.opened("#source=10005");
	await t.until("frames", () => document.querySelector("#frames .frame"));
	const want = await page.evaluate(() => [...document.querySelectorAll("button, input, select, summary, [tabindex='0'], a[href]")]
		.filter((el) => el.checkVisibility() && !el.disabled && el.tabIndex >= 0 && !el.matches("summary"))
		.map((el) => el.id || (el.dataset.sort && "by " + el.dataset.sort) || el.dataset.event || el.className || el.title || el.tagName));
	const reached = [];
	await page.evaluate(() => document.activeElement.blur());
	for (let i = 0; i < want.length + 250; i++) {
		await page.keyboard.press("Tab");
		const name = await page.evaluate(focused);
		if (name === "" || name === reached[0])
			break;
		reached.push(name);
		const ring = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
		t.check(ring !== "none", name + " has the focus and does not show it");
	}
	t.equal(want.filter((name) => !reached.includes(name)), [], "controls that Tab does not reach");
	// In the order in which they are seen: from the top, and in a row from the left.
	const order = ["theme", "help", "marks", "only", "zoom-out", "zoom-in", "timeline", "back", "play", "step", "forward", "speed", "loop-a", "goto",
		"status", "search", "sources", "frames"];
	t.equal(order.filter((name) => reached.includes(name)), reached.filter((name) => order.includes(name)), "the order of Tab");
	// The space bar presses what has the focus, and does not play as well.
	await page.locator("#zoom-in").focus();
	await page.keyboard.press(" ");
	await t.until("zoomed in", () => /from=/.test(location.hash));
	t.equal((await t.api("deck")).playing, false, "it plays after the space bar on another button");
	// In a field, keys are text.
	await page.locator("#search").focus();
	await page.keyboard.type("f.n 0");
	t.equal(await page.locator("#search").inputValue(), "f.n 0", "what was typed");
	await page.keyboard.press("Escape");
	await page.keyboard.press("Escape");
	await t.until("Escape selects none", () => !document.getElementById("selected-card").checkVisibility());
};

exports.help = async (t) => {
	const page = await t.opened();
	await page.locator("body").press("?");
	const dialog = page.locator("#help-dialog");
	t.check(await dialog.isVisible(), "? shows no help");
	const listed = (await dialog.locator("kbd").allInnerTexts()).map((k) => ({ "space": " ", "Esc": "Escape", "←": "ArrowLeft", "→": "ArrowRight" }[k] || k));
	// Keys do nothing to the page behind it.
	await page.keyboard.press(" ");
	await page.keyboard.press("Escape");
	t.check(!await dialog.isVisible(), "Escape does not close the help");
	t.equal((await t.api("deck")).playing, false, "it plays after a key that was pressed over the help");
	await page.locator("#help").click();
	t.check(await dialog.isVisible(), "the button shows no help");
	await dialog.locator("button").click();
	t.check(!await dialog.isVisible(), "its button does not close the help");

	// Every key that is listed is one that the page takes.
	// Some are of a frame.
	await t.until("frames", () => document.querySelector("#frames summary"));
	const taken = await page.evaluate((keys) => keys.filter((key) => [document.body, document.querySelector("#frames summary")].some((el) => {
		const e = new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true });
		el.dispatchEvent(e);
		document.querySelectorAll("dialog[open]").forEach((d) => d.close());
		document.activeElement.blur();
		return e.defaultPrevented;
	})), listed);
	t.equal(listed.filter((key) => !taken.includes(key) && key !== "f"), [], "keys that are listed and not taken");
	t.check(listed.length > 20, "few keys are listed: " + listed);
};

/** Roles that a person acts on, which need a name. */
const ACTED_ON = ["button", "textbox", "searchbox", "combobox", "slider", "listbox", "tab", "tablist", "checkbox", "link", "dialog", "application",
	"region", "group", "option", "list"];

exports.labels = async (t) => {
	for (const width of [1280, 400]) {
		const page = await t.opened("#source=10005", { viewport: { width, height: 800 } });
		await page.locator("body").press("?");
		await page.keyboard.press("Escape");
		const cdp = await page.context().newCDPSession(page);
		const { nodes } = await cdp.send("Accessibility.getFullAXTree");
		const seen = nodes.filter((n) => !n.ignored);
		const nameless = seen.filter((n) => ACTED_ON.includes(n.role.value) && !(n.name && n.name.value.trim()));
		t.equal(nameless.map((n) => n.role.value + " " + JSON.stringify(n.properties.slice(0, 3))), [], "without a name for screen readers");
		const roles = new Set(seen.map((n) => n.role.value));
		for (const role of ["banner", "main", "heading", "button", "combobox", "slider", "status", ...(width > 960 ? ["listbox", "option", "searchbox"] :
			["tablist", "tab", "tabpanel"])])
			t.check(roles.has(role), "nothing has the role " + role + ": " + [...roles]);
		const slider = seen.find((n) => n.role.value === "slider");
		t.check(slider.value.value > 1e12, "the slider has no value: " + JSON.stringify(slider.value));
		t.equal(await page.locator("#timeline").getAttribute("aria-valuetext"), "2026-03-01 12:10:00Z", "what the slider says");
		t.equal(await page.evaluate(() => document.documentElement.lang), "en", "the page's language");
		await page.context().close();
	}
};

exports.tabs = async (t) => {
	const page = await t.opened("", { viewport: { width: 400, height: 800 } });
	const shown = () => page.locator("main > .panel:visible").evaluateAll((all) => all.map((el) => el.id));
	await page.locator("#tab-map").focus();
	await page.keyboard.press("ArrowRight");
	t.equal(await shown(), ["sources-panel"], "what is shown after the right arrow");
	t.equal(await page.evaluate(focused), "tab-sources", "the focus after the right arrow");
	await t.until("the list of sources", () => document.querySelectorAll("#sources .row").length > 5);
	await page.keyboard.press("ArrowLeft");
	await page.keyboard.press("ArrowLeft");
	t.equal(await shown(), ["clients-panel"], "what is shown left of the first");
	await page.keyboard.press("ArrowLeft");
	t.equal(await shown(), ["frames-panel"], "what is shown left of that");
	await t.until("its frames", () => document.querySelector("#frames .frame"));
	t.equal((await t.api("deck")).time_ns, (await t.api("tape")).first_ns + 6e11, "the deck's time after arrows on tabs");
	await page.locator("body").press("/");
	t.equal([await shown(), await page.evaluate(focused)], [["sources-panel"], "search"], "what / shows");
};
