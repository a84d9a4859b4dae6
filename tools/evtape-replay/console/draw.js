// One animation frame for everything that must be drawn: however many messages
// come, each picture is drawn once.

const parts = new Map();
const dirty = new Set();
let asked = false;
let after = [];

export function part(name, fn) {
	parts.set(name, fn);
}

function run(time) {
	asked = false;
	const todo = [...dirty];
	dirty.clear();
	for (const name of todo)
		parts.get(name)(time);
	// The browser paints before it runs the next task.
	const done = after;
	after = [];
	if (done.length)
		setTimeout(() => done.forEach((fn) => fn()));
}

export function redraw(...names) {
	for (const name of names)
		dirty.add(name);
	if (!asked) {
		asked = true;
		requestAnimationFrame(run);
	}
}

/** Call `fn` when what is drawn now is visible. */
export function drawn(fn) {
	after.push(fn);
	redraw();
}

/** The value of a colour of the theme. */
export function colour(name) {
	return getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
}

/** Give a canvas the size of its box, sharp on any screen; its context, in CSS
 * pixels. */
export function fitCanvas(canvas, width, height) {
	const ratio = window.devicePixelRatio || 1;
	const w = Math.round(width * ratio), h = Math.round(height * ratio);
	if (canvas.width !== w || canvas.height !== h) {
		canvas.width = w;
		canvas.height = h;
		canvas.style.width = width + "px";
		canvas.style.height = height + "px";
	}
	const ctx = canvas.getContext("2d");
	ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
	ctx.clearRect(0, 0, width, height);
	return ctx;
}
