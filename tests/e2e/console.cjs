// Looks at the console with a real Chromium, for test_console.py.
//
//     node console.cjs CHROMIUM SCREENSHOTS
//
// Reads one JSON object a line from stdin, {"scenario", "url", ...}, and answers
// each with one on stdout: {"done": VALUE}, or {"failed": WORDS} which say what
// was wrong. In between it may ask for something to be done outside of the
// browser: {"ask": NAME} is answered by a line, {"answer": VALUE}.
//
// Whatever a scenario does, it fails if the page wrote an error to its console,
// threw one, broke its own content security policy, or asked any other server
// than its own for anything.
"use strict";

const path = require("path");
const readline = require("readline");
const { chromium } = require("playwright-core");

const [, , CHROMIUM, SHOTS] = process.argv;
const DEADLINE = Number(process.env.EVTAPE_TEST_DEADLINE || 60) * 1000;
const SCENARIOS = Object.assign({}, ...["look", "play", "links", "find", "charts", "bookmarks", "save", "compare", "select", "zones", "clients", "frames", "health", "axe", "people", "net"].map((name) => require("./console_" + name + ".cjs")));
const ARGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
	"--disable-component-update", "--disable-sync",
	// What would leave the machine does not find its way, whoever asks.
	"--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"];

const input = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const receive = async () => {
	const { value, done } = await input.next();
	return done ? null : JSON.parse(value);
};
const send = (value) => process.stdout.write(JSON.stringify(value) + "\n");

/** What a scenario works with: a page, and words for what is wrong with it. */
class Test {
	constructor(browser, asked) {
		this.browser = browser;
		this.name = asked.scenario;
		this.asked = asked;
		this.url = asked.url;
		this.wrong = [];
		this.requests = [];
		this.contexts = [];
	}

	/** A fresh browser profile with a page; `options` as of newContext(). */
	async open(url, options) {
		const context = await this.browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
		this.contexts.push(context);
		context.setDefaultTimeout(DEADLINE);
		this.page = await context.newPage();
		this.listen(this.page);
		await this.page.goto(url ?? this.url);
		return this.page;
	}

	/** A page that shows its first picture. */
	async opened(hash, options) {
		await this.open(this.url + (hash || ""), options);
		await this.ready();
		return this.page;
	}

	/** Say yes to a link that wants to move the deck. */
	async agree() {
		await this.until("the question", () => document.getElementById("ask").checkVisibility());
		await this.page.locator("#ask-yes").click();
	}

	ready() {
		return this.until("the first picture", () => document.documentElement.dataset.ready);
	}

	listen(page) {
		const wrong = (text) => {
			if (!(this.asked.allow || []).some((re) => new RegExp(re).test(text)))
				this.wrong.push(text);
		};
		page.on("console", (m) => (m.type() === "error" || m.type() === "warning") && wrong("console " + m.type() + ": " + m.text()));
		page.on("pageerror", (e) => wrong("exception: " + e.stack));
		page.on("crash", () => wrong("the page crashed"));
		// A newer wish ends an older one; that is no failure.
		page.on("requestfailed", (r) => r.failure().errorText !== "net::ERR_ABORTED" &&
			wrong("request failed: " + r.url() + ": " + r.failure().errorText));
		page.on("request", (r) => this.requests.push(r.url()));
		page.on("websocket", (ws) => this.requests.push(ws.url().replace(/^ws/, "http")));
	}

	/** Wait until `fn`, which runs in the page, gives something true. */
	async until(words, fn, arg) {
		try {
			const handle = await this.page.waitForFunction(fn, arg);
			return await handle.jsonValue();
		} catch (e) {
			throw new Error("never came: " + words + " (" + e.message.split("\n")[0] + ")");
		}
	}

	/** Wait until the API says so. */
	async untilApi(words, call, good) {
		const end = Date.now() + DEADLINE;
		for (;;) {
			const got = await this.api(call);
			if (good(got))
				return got;
			if (Date.now() > end)
				throw new Error("never came: " + words + "; /api/" + call + " says " + JSON.stringify(got).slice(0, 800));
			await new Promise((done) => setTimeout(done, 20)); // between polls
		}
	}

	async api(call, body) {
		const answer = await fetch(this.url + "api/" + call, {
			headers: this.asked.token ? { Authorization: "Bearer " + this.asked.token } : {},
			...(body ? { method: "POST", body: JSON.stringify(body) } : {}),
		});
		const got = await answer.json();
		if (!answer.ok)
			throw new Error("/api/" + call + ": " + answer.status + " " + JSON.stringify(got));
		return got;
	}

	check(good, words) {
		if (!good)
			throw new Error(words);
	}

	equal(got, want, words) {
		const a = JSON.stringify(got), b = JSON.stringify(want);
		this.check(a === b, words + ": is " + a + ", should be " + b);
	}

	near(got, want, by, words) {
		this.check(Math.abs(got - want) <= by, words + ": is " + got + ", should be " + want + " to within " + by);
	}

	/** Have something done outside of the browser. */
	async ask(name) {
		send({ ask: name });
		return (await receive()).answer;
	}

	text(selector) {
		return this.page.locator(selector).innerText();
	}

	/** What the page's address says behind its #. */
	hash() {
		return Object.fromEntries(new URLSearchParams(new URL(this.page.url()).hash.slice(1)));
	}

	shot(name) {
		return this.page.screenshot({ path: path.join(SHOTS, name + ".png") });
	}

	/** Where on the timeline a time is, in CSS pixels of the page; back with
	 * timeAt(). It shows the address's window, or all and a little beside. */
	async scale() {
		const { from, to } = this.hash(), tape = await this.api("tape");
		const first = tape.first_ns / 1e6, last = tape.last_ns / 1e6, room = Math.max(last - first, 1000) * 0.005;
		const box = await this.page.locator("#timeline").boundingBox();
		const a = from ? Date.parse(from) : first - room, b = to ? Date.parse(to) : last + room;
		return {
			box, from: a, to: b, y: box.y + box.height / 2,
			perPixel: (b - a) / box.width,
			x: (t) => box.x + (t - a) / (b - a) * box.width,
			timeAt: (x) => a + (x - box.x) / box.width * (b - a),
		};
	}

	async end(failed) {
		if (failed && this.page && !this.page.isClosed())
			await this.shot("failed-" + this.name).catch(() => {});
		const own = new URL(this.url).origin, known = [own, ...(this.asked.origins || [])];
		for (const url of this.requests)
			if (!url.startsWith("data:") && !known.includes(new URL(url).origin))
				this.wrong.push("a request left its server: " + url);
		for (const context of this.contexts)
			await context.close();
	}
}

async function run(browser, asked) {
	const t = new Test(browser, asked);
	let value = null, failed = null, timer = null;
	const late = new Promise((_, fail) => {
		timer = setTimeout(() => fail(new Error("it takes for ever")), 4 * DEADLINE);
	});
	try {
		value = await Promise.race([SCENARIOS[asked.scenario](t), late]);
	} catch (e) {
		failed = e.stack;
	}
	clearTimeout(timer);
	await t.end(failed !== null);
	if (failed !== null || t.wrong.length)
		return { failed: [failed, ...t.wrong].filter(Boolean).join("\n") };
	return { done: value ?? null };
}

(async () => {
	const browser = await chromium.launch({ executablePath: CHROMIUM, args: ARGS });
	send({ done: browser.version() });
	for (let asked = await receive(); asked !== null; asked = await receive())
		send(await run(browser, asked));
	await browser.close();
})().catch((e) => {
	send({ failed: "no browser: " + e.message });
	process.exit(1);
});
