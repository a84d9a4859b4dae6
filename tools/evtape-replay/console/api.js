// The calls of the API, the token that they may need, and the control socket.

const KEY = "evtape-token";
const $ = (id) => document.getElementById(id);

let token = "";
let asking = null;

/** Use a token from the address, and keep it for this tab. */
export function setToken(text) {
	token = text;
	try {
		sessionStorage.setItem(KEY, text);
	} catch (e) {
		// Storage is not available: the token is asked for again after a reload.
	}
}

try {
	token = sessionStorage.getItem(KEY) || "";
} catch (e) {
	// As above.
}

/** Ask for the token once, even if several calls were refused. */
function askToken(wrong) {
	if (!asking) {
		asking = new Promise((done) => {
			const dialog = $("token-dialog");
			$("token-wrong").textContent = wrong ? "Wrong token." : "";
			dialog.oncancel = (e) => e.preventDefault();
			$("token-form").onsubmit = (e) => {
				e.preventDefault();
				setToken($("token").value.trim());
				$("token").value = "";
				dialog.close();
				asking = null;
				done();
			};
			dialog.showModal();
		});
	}
	return asking;
}

async function request(path, options) {
	for (;;) {
		const used = token;
		const headers = options.body === undefined ? {} : { "Content-Type": "application/json" };
		if (used)
			headers.Authorization = "Bearer " + used;
		const answer = await fetch(path, { cache: "no-store", ...options, headers });
		if (answer.status === 401) {
			if (used === token)
				await askToken(used !== "");
			continue;
		}
		const text = await answer.text();
		let value;
		try {
			value = JSON.parse(text);
		} catch (e) {
			value = { error: text.trim() };
		}
		if (!answer.ok)
			throw new Error(value.error || path + ": " + answer.status);
		return options.raw ? text : value;
	}
}

/** GET; parameters that are null or undefined are left out. raw: the answer's text. */
export function get(path, params, signal, raw = false) {
	const query = new URLSearchParams();
	for (const [name, value] of Object.entries(params || {}))
		if (value !== null && value !== undefined)
			query.set(name, value);
	const text = query.toString();
	return request("api/" + path + (text ? "?" + text : ""), { signal, raw });
}

export const getText = (path, params) => get(path, params, undefined, true);

/** Have the browser save what a GET answers with. */
export function download(path, params) {
	const query = new URLSearchParams();
	for (const [name, value] of Object.entries(params))
		if (value)
			query.set(name, value);
	if (token)
		query.set("token", token);
	const link = document.createElement("a");
	link.href = "api/" + path + "?" + query;
	link.download = "";
	link.click();
}

export function post(path, body) {
	return request("api/" + path, { method: "POST", body: JSON.stringify(body || {}) });
}

/** Keep the control socket open. `take` gets each message, `status` "open",
 * or "lost" with the milliseconds until it is tried again. */
export function control(take, status) {
	let tries = 0;

	function connect() {
		const url = new URL("control", location.href);
		url.protocol = url.protocol.replace("http", "ws");
		url.hash = "";
		url.search = "";
		url.searchParams.set("with", "states,frames,clients");
		if (token)
			url.searchParams.set("token", token);
		const ws = new WebSocket(url);
		ws.onopen = () => {
			tries = 0;
			status("open");
		};
		ws.onmessage = (e) => take(JSON.parse(e.data));
		ws.onclose = async () => {
			const wait = Math.min(10000, 500 * 2 ** tries++) * (0.5 + Math.random() / 2);
			status("lost", wait);
			await new Promise((done) => setTimeout(done, wait));
			// A socket does not learn why it was refused.  A call does, and asks
			// for the token if that is the reason.
			await get("deck").catch(() => {});
			connect();
		};
	}
	connect();
}
