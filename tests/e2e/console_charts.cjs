// Charts below the timeline. See console.cjs.
"use strict";

const legend = (t) => t.page.locator("#charts .chart li").allInnerTexts();

/** The number that a source's field had before a time, as the frames say. */
async function before(t, id, time) {
	const { frames } = await t.api("frames?limit=1000&event=state&source=" + id + "&from=%2B0s&to=" + encodeURIComponent(new Date(time).toISOString()));
	return frames.length ? frames[frames.length - 1].payload.data.gps.speed : null;
}

const number = (v) => (Number.isInteger(v) ? v : Number(v.toPrecision(7))).toLocaleString("en-US", { maximumFractionDigits: 6 });

exports.charts = async (t) => {
	const page = await t.opened("#source=10007");
	await t.until("frames", () => document.querySelectorAll('#frames .frame[data-of="10007"]').length > 3);
	await page.locator('#frames .frame[data-of="10007"] summary', { hasText: "state" }).first().click();
	// By mouse: a number in a frame.
	await page.locator("#frames pre div", { hasText: '"speed"' }).locator("button.pick").first().click();
	await t.until("a line", () => document.getElementById("charts").dataset.lines === "1");
	t.equal(await page.locator("#charts .chart strong").innerText(), "gps.speed", "the field");
	const { time_ns } = await t.api("deck");
	await t.until("its value before the deck's time", (want) => document.querySelector("#charts .chart li")?.textContent === want,
		"Van 7 " + number(await before(t, 10007, time_ns / 1e6)));

	// One axis: the pointer on the timeline, on the chart and on the map.
	const s = await t.scale();
	const time = Date.parse("2026-03-01T12:31:17.500Z");
	await page.mouse.move(s.x(time), s.y);
	await t.until("the value under the pointer", (want) => document.querySelector("#charts .chart li")?.textContent === want,
		"Van 7 " + number(await before(t, 10007, time - s.perPixel)));
	await t.until("its place on the map", () => Number(document.getElementById("map").dataset.hover) > 0);
	const chart = await page.locator("#charts canvas").boundingBox();
	await page.mouse.move(s.x(time), chart.y + 40);
	await t.until("the pointer of the timeline", () => document.querySelector("#over .pointer").getAttribute("visibility") !== "hidden");

	// Several sources and fields, two cursors.
	await page.locator('#sources [data-source="10003"]').click({ modifiers: ["Control"] });
	await t.until("two lines", () => document.getElementById("charts").dataset.lines === "2");
	await page.locator("body").press("v");
	await page.keyboard.type("gps.location.lat");
	await page.keyboard.press("Enter");
	await t.until("four lines", () => document.getElementById("charts").dataset.lines === "4");
	await page.evaluate(() => document.activeElement.blur());
	await page.mouse.move(s.x(time), chart.y + 40);
	await page.keyboard.press("1");
	await page.mouse.move(s.x(time + 300000), chart.y + 40);
	await page.keyboard.press("2");
	await t.until("what lies between the cursors", () => / to .*: (5\.0|300 s|5) ?/.test(document.getElementById("chart-cursors").textContent) ||
		/: (4\.9|5\.0|5\.1) min$/.test(document.getElementById("chart-cursors").textContent));
	t.check((await legend(t)).every((text) => / → .*, Δ /.test(text)), "differences: " + await legend(t));
	await t.shot("charts");
	await page.evaluate(() => document.getElementById("theme").click());
	await t.shot("charts-other-theme");

	// A link brings them back; a click seeks.
	await t.until("the address", () => location.hash.includes("charts=gps.speed,gps.location.lat"));
	await page.reload();
	await t.ready();
	await t.until("four lines again", () => document.getElementById("charts").dataset.lines === "4");
	await page.locator("#charts canvas").first().click({ position: { x: 400, y: 40 } });
	const there = (await t.scale()).timeAt(s.box.x + 400);
	await t.untilApi("the deck there", "deck", (d) => Math.abs(d.time_ns / 1e6 - there) < 3 * s.perPixel);

	await page.locator("#charts .chart button").first().click();
	await t.until("one chart", () => document.querySelectorAll("#charts .chart").length === 1);
	await page.locator("#charts .chart button").first().press("Enter");
	await t.until("none", () => !document.getElementById("charts").checkVisibility());
};

/** Whether anything of a line is painted in each column of pixels. */
const columns = (canvas) => {
	const { width, height } = canvas;
	const { data } = canvas.getContext("2d").getImageData(0, 18, width, height - 22);
	const colour = getComputedStyle(document.documentElement).getPropertyValue("--ev0").trim();
	const [r, g, b] = [1, 3, 5].map((i) => parseInt(colour.slice(i, i + 2), 16));
	return Array.from({ length: width }, (_, x) => {
		for (let i = x * 4; i < data.length; i += width * 4)
			if (Math.abs(data[i] - r) + Math.abs(data[i + 1] - g) + Math.abs(data[i + 2] - b) < 60)
				return true;
		return false;
	});
};

exports.chartGaps = async (t) => {
	const page = await t.opened("#source=10007&charts=gps.speed&from=2026-03-01T12:15:00Z&to=2026-03-01T12:27:00Z");
	await t.until("a line", () => document.getElementById("charts").dataset.lines === "1");
	await page.mouse.move(5, 5);
	await t.until("it is drawn", () => document.querySelector("#charts .chart li"));
	const s = await t.scale(), canvas = page.locator("#charts canvas");
	const box = await canvas.boundingBox();
	const drawn = await canvas.evaluate(columns);
	const painted = (from, to) => drawn.slice(Math.ceil(s.x(Date.parse(from)) - box.x), Math.floor(s.x(Date.parse(to)) - box.x));
	const inside = painted("2026-03-01T12:20:05Z", "2026-03-01T12:21:30Z");
	t.check(inside.length > 50 && !inside.some((on) => on), "the gap is joined: " + inside.filter((on) => on).length);
	const whole = painted("2026-03-01T12:16:00Z", "2026-03-01T12:19:00Z");
	t.check(whole.filter((on) => on).length > whole.length * 0.9, "the line has holes: " + whole.filter((on) => on).length + " of " + whole.length);

	// Words for what cannot be drawn, and the width of a telephone.
	await page.locator("#chart").fill("no.such");
	await page.locator("#chart").press("Enter");
	await t.until("two charts", () => document.querySelectorAll("#charts .chart").length === 2);
	await page.setViewportSize({ width: 400, height: 800 });
	await t.until("no wider than the window", () => document.documentElement.scrollWidth <= 400);
	await t.shot("charts-narrow");
};
