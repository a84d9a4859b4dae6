// Downloads from the page. See console.cjs.
"use strict";

const fs = require("fs");

exports.saves = async (t) => {
	const page = await t.opened("#source=10007,10003&from=2026-03-01T12:30:00Z&to=2026-03-01T12:35:00Z");
	const all = { csv: /^time,source,/, gpx: /<gpx /, geojson: /^\{"type":"FeatureCollection"/, lines: /^\{/ };
	for (const [form, begins] of Object.entries(all)) {
		const [file] = await Promise.all([page.waitForEvent("download"), page.locator("#save").selectOption(form)]);
		const text = fs.readFileSync(await file.path(), "utf8");
		t.check(/^field-20260301T123000Z-20260301T123500Z\.\w+$/.test(file.suggestedFilename()), "its name: " + file.suggestedFilename());
		t.check(begins.test(text), form + " begins " + text.slice(0, 60));
		if (form === "csv")
			t.equal([...new Set(text.trim().split("\n").slice(1).map((row) => row.split(",")[1]))].sort(), ["10003", "10007"], "the sources");
	}
	t.equal(await page.locator("#save").inputValue(), "", "the menu is ready for the next");
};
