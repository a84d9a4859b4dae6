// Measures the console in a real Chromium, for tests/bench/console.
//
//     node console.cjs CHROMIUM URL LOADS SEEKS SOAK_SECONDS
//
// Prints lines of JSON: {"first": MS} for each load, {"seek": MS} for each seek,
// {"heap": BYTES, "nodes": N, "t": SECONDS} each 10 s of the soak. How long
// things take is what the page says: from navigation to its first picture, and
// from a seek's begin to its picture.
"use strict";

const { chromium } = require("playwright-core");

const [, , CHROMIUM, URL_OF, LOADS, SEEKS, SOAK] = process.argv;
const put = (value) => process.stdout.write(JSON.stringify(value) + "\n");
const said = (page, name) => page.evaluate((key) => Number(document.documentElement.dataset[key] || 0), name);

async function load(context) {
	const page = await context.newPage();
	await page.goto(URL_OF);
	await page.waitForFunction(() => document.documentElement.dataset.ready);
	put({ first: await said(page, "firstMs") });
	return page;
}

/** Clicks on the timeline, far from each other. */
async function seek(page, i) {
	const box = await page.locator("#timeline").boundingBox();
	const before = await said(page, "seeks");
	const part = 0.03 + 0.94 * ((i * 0.618034) % 1);
	await page.mouse.click(box.x + box.width * part, box.y + box.height / 2);
	await page.waitForFunction((n) => Number(document.documentElement.dataset.seeks || 0) > n, before);
	put({ seek: await said(page, "seekMs") });
}

async function soak(page, seconds) {
	const cdp = await page.context().newCDPSession(page);
	await cdp.send("Performance.enable");
	await cdp.send("HeapProfiler.enable");
	await page.locator("#speed").selectOption("200");
	await page.locator("#play").click();
	const began = Date.now();
	for (let at = 0; at <= seconds; at += 10) {
		await new Promise((done) => setTimeout(done, began + at * 1000 - Date.now()));
		await cdp.send("HeapProfiler.collectGarbage");
		const { metrics } = await cdp.send("Performance.getMetrics");
		const of = (name) => metrics.find((m) => m.name === name).value;
		put({ heap: of("JSHeapUsedSize"), nodes: of("Nodes"), t: (Date.now() - began) / 1000 });
	}
}

(async () => {
	const browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox", "--disable-gpu", "--disable-quic",
		"--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"] });
	let page = null;
	for (let i = 0; i < Number(LOADS); i++) {
		if (page)
			await page.context().close();
		page = await load(await browser.newContext({ viewport: { width: 1280, height: 800 } }));
	}
	for (let i = 1; i <= Number(SEEKS); i++)
		await seek(page, i);
	if (Number(SOAK))
		await soak(page, Number(SOAK));
	await browser.close();
})().catch((e) => {
	process.stderr.write(e.stack + "\n");
	process.exit(1);
});
