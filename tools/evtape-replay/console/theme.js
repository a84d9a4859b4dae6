// Runs before anything is painted: light or dark, as the user chose before, or as
// the system is set.
"use strict";
(() => {
	const root = document.documentElement;
	const dark = matchMedia("(prefers-color-scheme: dark)");
	let chosen = null;
	try {
		chosen = localStorage.getItem("evtape-theme");
	} catch (e) {
		// Storage may not be available: then the setting of the system counts.
	}
	const apply = () => {
		root.dataset.theme = chosen || (dark.matches ? "dark" : "light");
		root.dispatchEvent(new Event("theme"));
	};
	dark.addEventListener("change", apply);
	apply();
	addEventListener("DOMContentLoaded", () => {
		document.getElementById("theme").addEventListener("click", () => {
			chosen = root.dataset.theme === "dark" ? "light" : "dark";
			try {
				localStorage.setItem("evtape-theme", chosen);
			} catch (e) {
				// As above.
			}
			apply();
		});
	});
})();
