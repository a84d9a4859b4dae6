// The first picture, in every form: sizes, light and dark. See console.cjs.
"use strict";

/** How many pixels of a canvas are painted, and in how many colours. */
const painted = (canvas) => {
	const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
	const colours = new Set();
	let n = 0;
	for (let i = 0; i < data.length; i += 4)
		if (data[i + 3] > 200) {
			n++;
			colours.add(data[i] << 16 | data[i + 1] << 8 | data[i + 2]);
		}
	return { n, colours: colours.size, of: canvas.width * canvas.height };
};

exports.load = async (t) => {
	const page = await t.opened();
	const tape = await t.api("tape");
	t.equal(await page.title(), "field.tape · evtape", "the title");
	t.equal(await t.text("#tape-name"), "field.tape", "the tape's name");
	const facts = await t.text("#tape-facts");
	t.check(facts.startsWith(tape.frames.toLocaleString("en-US") + " frames"), "the frames of the tape are not among: " + facts);
	const chips = await page.locator("#legend .chip").allInnerTexts();
	t.equal(chips.map((c) => c.replace(/\s+/g, " ").trim()),
		tape.events.map((e) => (e.name ?? "(no event)") + " " + e.frames.toLocaleString("en-US")), "the chips");
	t.equal(await t.text("#sources-count"), String((await t.api("sources")).sources.length), "the number of sources");
	await t.until("frames of before the deck's time", () => document.querySelectorAll("#frames .frame").length > 20);
	const bars = await page.locator("#bars").evaluate(painted);
	t.check(bars.n > bars.of / 10 && bars.colours >= 3, "the timeline is blank: " + JSON.stringify(bars));
	const map = await page.locator("#map canvas").evaluate(painted);
	t.check(map.n > 500 && map.colours >= 3, "the map is blank: " + JSON.stringify(map));
	t.check(Number(await page.locator("html").getAttribute("data-first-ms")) > 0, "it does not say how long it took");
	const gap = await t.scale();
	const [g] = (await t.api("gaps")).gaps;
	await page.mouse.move(gap.x((g.from_ns + g.to_ns) / 2e6), gap.y);
	await t.until("the gap's reason in the readout", () => document.getElementById("readout").textContent.includes("gap: connection lost"));
};

/** Where all sources lie in the map's box. */
exports.fit = async (t) => {
	for (const viewport of [{ width: 1280, height: 800 }, { width: 400, height: 800 }]) {
		const page = await t.opened("", { viewport });
		const box = await page.locator("#map canvas").evaluate((canvas) => {
			const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
			// The labels of the graticule are at the edges.
			let left = canvas.width, right = 0;
			for (let y = 0; y < canvas.height - 30; y++)
				for (let x = 50; x < canvas.width; x++)
					if (data[(y * canvas.width + x) * 4 + 3] > 200) {
						left = Math.min(left, x);
						right = Math.max(right, x);
					}
			return { left, right, width: canvas.width };
		});
		t.check(box.right - box.left > box.width * 0.45, "at " + viewport.width + " px the sources fill little of the map: " +
			JSON.stringify(box));
		await page.context().close();
	}
};

/** Contrast of texts: 4.5, or 3 where they are large, as WCAG AA has it. */
function poorTexts() {
	const part = (c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
	const luminance = ([r, g, b]) => 0.2126 * part(r / 255) + 0.7152 * part(g / 255) + 0.0722 * part(b / 255);
	const read = (text) => {
		const v = text.match(/[\d.]+/g).map(Number);
		return [v[0], v[1], v[2], v.length > 3 ? v[3] : 1];
	};
	const over = (top, low) => [0, 1, 2].map((i) => top[i] * top[3] + low[i] * (1 - top[3]));
	const ground = (el) => {
		if (!el)
			return [255, 255, 255];
		const c = read(getComputedStyle(el).backgroundColor);
		return c[3] === 1 ? c.slice(0, 3) : over(c, ground(el.parentElement));
	};
	const poor = [];
	const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	for (let node = walker.nextNode(); node; node = walker.nextNode()) {
		const el = node.parentElement;
		if (!node.textContent.trim() || !el.checkVisibility() || el.closest("button:disabled, option, script, svg, [aria-hidden=true].dot"))
			continue;
		const style = getComputedStyle(el), back = ground(el);
		const a = luminance(over(read(style.color), back)), b = luminance(back);
		const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
		if (ratio < (parseFloat(style.fontSize) >= 24 ? 3 : 4.5))
			poor.push(node.textContent.trim().slice(0, 40) + " in " + (el.id || el.className || el.tagName) + ": " + ratio.toFixed(2));
	}
	return poor;
}

const light = (page) => page.evaluate(() => getComputedStyle(document.body).backgroundColor.match(/\d+/g).map(Number)
	.reduce((a, b) => a + b) / 3);

exports.themes = async (t) => {
	const page = await t.opened("#source=10005", { colorScheme: "light" });
	await t.until("frames", () => document.querySelector("#frames .frame"));
	await page.locator("#frames .frame summary").first().click();
	const bright = await light(page);
	t.equal(await page.evaluate(poorTexts), [], "texts with too little contrast, light");
	const before = await page.locator("#bars").evaluate((c) => c.toDataURL());
	await page.emulateMedia({ colorScheme: "dark" });
	await t.until("dark, as the system has it", () => document.documentElement.dataset.theme === "dark");
	const dark = await light(page);
	t.check(bright > 200 && dark < 60, "the background is " + bright + " in light and " + dark + " in dark");
	await t.until("the timeline in dark colours", (old) => document.getElementById("bars").toDataURL() !== old, before);
	t.equal(await page.evaluate(poorTexts), [], "texts with too little contrast, dark");
	await page.locator("#theme").click();
	t.near(await light(page), bright, 0, "the background after the button was pressed");
	// What was chosen holds against the system, and after a reload.
	await page.reload();
	await t.ready();
	t.near(await light(page), bright, 0, "the background after a reload");
};

exports.shots = async (t) => {
	for (const colorScheme of ["light", "dark"])
		for (const width of [1280, 400]) {
			const page = await t.opened("#source=10005", { colorScheme, viewport: { width, height: 800 } });
			await t.until("a track", () => Number(document.getElementById("map").dataset.track) > 1);
			await t.until("frames", () => document.querySelector("#frames .frame"));
			if (width > 960)
				await page.locator("#frames .frame summary").first().click();
			await t.shot(colorScheme + "-" + width);
			for (const tab of width > 960 ? [] : ["sources", "frames"]) {
				await page.locator("#tab-" + tab).click();
				await t.until("the panel", (id) => document.getElementById(id).offsetWidth > 0, tab + "-panel");
				await t.shot(colorScheme + "-" + width + "-" + tab);
			}
			await page.keyboard.press("?");
			await t.shot(colorScheme + "-" + width + "-help");
			await page.context().close();
		}
};

/** One frame: nothing fills the panels, and the timeline has no length. */
exports.small = async (t) => {
	for (const width of [1280, 400]) {
		const page = await t.opened("", { viewport: { width, height: 800 } });
		t.near(await page.locator("main").evaluate((el) => el.getBoundingClientRect().bottom), 800, 8, "the lower edge of the panels at " + width + " px");
		t.equal(await page.locator("#map-panel").evaluate((el) => el.offsetHeight > 200), true, "the map has a height");
		t.equal(await page.locator("#sources-none").textContent(), "No source had sent anything by then.", "the list before the first frame");
		t.check(await page.locator("#frames-none").evaluate((el) => !el.hidden), "nothing says why there are no frames");
		await page.locator("body").press(".");
		await t.until("the source", () => document.getElementById("sources-count").textContent === "1");
		await t.until("its frame", () => document.querySelectorAll("#frames .frame").length === 1 && document.getElementById("frames-none").hidden);
		await page.locator("body").press("Home");
		await t.until("back", () => document.getElementById("sources-count").textContent === "0");
		await page.context().close();
	}
};

/** Controls that reach over the edge of the window, or are too small to hit. */
function misplaced() {
	const out = [];
	for (const el of document.querySelectorAll("button, input, select, [tabindex='0']")) {
		if (!el.checkVisibility() || el.closest("dialog"))
			continue;
		const r = el.getBoundingClientRect(), name = el.id || el.textContent.trim() || el.className;
		if (r.left < 0 || r.right > innerWidth + 0.5 || r.top < 0 || r.bottom > innerHeight + 0.5)
			out.push(name + " is at " + [r.left, r.top, r.right, r.bottom].map(Math.round));
		// 24 by 24 is what WCAG 2.2 wants.
		if (r.width < 23.5 || r.height < 21.5)
			out.push(name + " is " + Math.round(r.width) + " by " + Math.round(r.height));
	}
	if (document.documentElement.scrollWidth > innerWidth)
		out.push("the page is " + document.documentElement.scrollWidth + " wide");
	if (document.documentElement.scrollHeight > innerHeight)
		out.push("the page is " + document.documentElement.scrollHeight + " high");
	return out;
}

exports.sizes = async (t) => {
	for (const [width, height] of [[1280, 800], [1000, 700], [700, 900], [400, 800]]) {
		// With all controls: a filter, a window and a loop add some.
		const page = await t.opened("#source=10005&from=2026-03-01T12:10:00Z&to=2026-03-01T12:30:00Z", { viewport: { width, height } });
		await t.until("the source", () => !document.getElementById("only").disabled);
		const panels = width > 960 ? ["map"] : ["sources", "frames", "map"];
		for (const name of panels) {
			if (width <= 960) {
				await page.locator("#tab-" + name).click();
				t.equal(await page.locator("main > .panel:visible").evaluateAll((all) => all.map((el) => el.id)), [name + "-panel"],
					"what the tab " + name + " shows");
			}
			t.equal(await page.evaluate(misplaced), [], "controls out of place at " + width + " px, " + name);
		}
		const missing = await page.evaluate(() => ["play", "step", "back", "forward", "speed", "loop-a", "loop-b", "follow", "goto", "zoom-in",
			"zoom-out", "zoom-fit", "marks", "only", "window-set", "window-clear", "theme", "help"].filter((id) => !document.getElementById(id).checkVisibility()));
		t.equal(missing, [], "controls that are not there at " + width + " px");
		await page.context().close();
	}
};
