// Runs before the libraries are loaded: the data of the first picture is on its way
// while the browser is still busy with them.

import { get, setToken } from "./api.js";
import { read, hideToken } from "./link.js";

export const link = read();
if (link.token) {
	setToken(link.token);
	hideToken();
}

const buckets = Math.max(100, Math.min(800, Math.round(innerWidth / 2)));

export const first = {
	tape: get("tape"),
	timeline: get("timeline", { from: link.from, to: link.to, buckets })
		.catch(() => get("timeline", { buckets })),
	gaps: get("gaps"),
	marks: get("marks"),
};
for (const promise of Object.values(first))
	promise.catch(() => {});
