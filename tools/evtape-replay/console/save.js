// Saves the time that the timeline shows, of the selected sources, in other forms.

import { download } from "./api.js";
import { model, chosenIds } from "./model.js";
import { rfc3339 } from "./times.js";
import { written } from "./ids.js";

const menu = document.getElementById("save");

export function start() {
	menu.addEventListener("change", () => {
		const { from, to, fit } = model.view;
		if (menu.value && model.tape)
			download("export", {
				format: menu.value,
				from: fit ? "" : rfc3339(Math.max(from, model.first)),
				to: fit ? "" : rfc3339(Math.min(to, model.last) + 1),
				source: chosenIds().map(written).join(","),
			});
		menu.value = "";
	});
}
