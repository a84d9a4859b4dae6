// The address of the page holds what it shows: time, window, sources, search, zone.

const NAMES = ["t", "from", "to", "source", "q", "status", "events", "only", "find", "charts", "zone", "token"];

/** What the address says, by name. */
export function read() {
	const given = new URLSearchParams(location.hash.slice(1));
	const out = {};
	for (const name of NAMES)
		if (given.get(name))
			out[name] = given.get(name);
	return out;
}

function replace(values) {
	const query = new URLSearchParams();
	for (const name of NAMES)
		if (values[name])
			query.set(name, values[name]);
	// Colons and commas are allowed there, and are easier to read.
	const text = query.toString().replace(/%3A/g, ":").replace(/%2C/g, ",");
	const hash = text ? "#" + text : "";
	if (hash !== location.hash)
		history.replaceState(null, "", location.pathname + location.search + hash);
}

/** The token must not stay in the address, which is shown, copied and kept in the
 * history. */
export function hideToken() {
	const values = read();
	delete values.token;
	replace(values);
}

let timer = 0;
/** Write the address soon. Browsers refuse more than a few changes a second. */
export function write(make) {
	if (timer)
		return;
	timer = setTimeout(() => {
		timer = 0;
		replace(make());
	}, 700);
}
