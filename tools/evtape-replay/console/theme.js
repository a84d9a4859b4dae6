// Before anything is painted: light or dark, as chosen here before or else as
// the system says.
"use strict";
(() => {
	const root = document.documentElement;
	const dark = matchMedia("(prefers-color-scheme: dark)");
	let chosen = null;
	try {
		chosen = localStorage.getItem("evtape-theme");
	} catch (e) {
		// Storage may be forbidden; then the system decides each time.
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
