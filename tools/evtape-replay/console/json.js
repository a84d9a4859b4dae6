// Formatted JSON, with changes marked.

const LINES = 3000;

const isBranch = (v) => v !== null && typeof v === "object";

/** Path -> old value, of everything in `value` that `before` has not or has
 * otherwise. Paths are those of JSON pointers, without escapes. */
export function changes(value, before, path = "", out = new Map()) {
	if (isBranch(value) && isBranch(before) && Array.isArray(value) === Array.isArray(before)) {
		for (const key of Object.keys(value))
			changes(value[key], before[key], path + "/" + key, out);
		for (const key of Object.keys(before))
			if (!(key in value))
				out.set(path + "/" + key, before[key]);
	} else if (isBranch(value) || isBranch(before) ? JSON.stringify(value) !== JSON.stringify(before) : value !== before) {
		out.set(path, before);
	}
	return out;
}

function span(kind, text) {
	const el = document.createElement("span");
	el.className = kind;
	el.textContent = text;
	return el;
}

/** As indented lines; `changed` as from changes(), or null. `pick`, if given, is called
 * with the path of a number or a boolean that the user picks. `beside`, if given, makes what
 * follows a value on its line, from its path. */
export function pretty(value, changed, pick, beside) {
	const out = document.createElement("pre");
	let lines = 0;

	function leaf(v, path) {
		const kind = v === null ? "null" : typeof v;
		const el = span("j-" + kind, JSON.stringify(v));
		if (!pick || (kind !== "number" && kind !== "boolean"))
			return el;
		const button = document.createElement("button");
		button.type = "button";
		button.className = "pick";
		button.title = "Chart " + path;
		button.append(el);
		button.addEventListener("click", () => pick(path));
		return button;
	}

	function write(v, path, indent, key, comma) {
		if (lines >= LINES)
			return;
		lines++;
		const line = document.createElement("div");
		line.append("  ".repeat(indent));
		if (key !== null)
			line.append(span("j-key", JSON.stringify(key)), ": ");
		if (changed && changed.has(path)) {
			line.className = "changed";
			const old = changed.get(path);
			line.title = old === undefined ? "new" : "was " + JSON.stringify(old).slice(0, 300);
		}
		out.append(line);
		if (!isBranch(v)) {
			line.append(leaf(v, path), comma);
			if (line.className && changed.get(path) !== undefined && !isBranch(changed.get(path)))
				line.append(span("j-was", "  was " + JSON.stringify(changed.get(path))));
			if (beside)
				line.append(beside(path));
			return;
		}
		const array = Array.isArray(v);
		const keys = Object.keys(v);
		if (!keys.length) {
			line.append(array ? "[]" : "{}", comma);
			return;
		}
		line.append(array ? "[" : "{");
		keys.forEach((k, i) => write(v[k], path + "/" + k, indent + 1, array ? null : k, i < keys.length - 1 ? "," : ""));
		const end = document.createElement("div");
		end.textContent = "  ".repeat(indent) + (array ? "]" : "}") + comma;
		out.append(end);
	}

	write(value, "", 0, null, "");
	if (lines >= LINES)
		out.append(span("dim", "… cut after " + LINES + " lines"));
	return out;
}
