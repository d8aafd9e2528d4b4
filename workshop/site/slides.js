// Turn the slides by keys, by a touch or by the address: slides.html#12, or #section-4.
const slides = [...document.querySelectorAll("section")];
const root = document.documentElement;
const contents = document.getElementById("contents");
let now = 0;

function show(number) {
  now = Math.max(0, Math.min(number, slides.length - 1));
  slides.forEach((slide, index) => slide.classList.toggle("now", index === now));
  document.getElementById("place").textContent = `${now + 1} / ${slides.length}`;
  history.replaceState(null, "", `#${now + 1}`);
}

// An address that leads nowhere leads to the first slide.
function goTo(hash) {
  const name = hash.slice(1);
  const named = slides.findIndex((slide) => slide.dataset.name === name);
  show(named >= 0 ? named : (Number(name) || 1) - 1);
}

function setDark(dark) {
  root.classList.toggle("dark", dark);
  root.classList.toggle("light", !dark);
}

const KEYS = {
  ArrowRight: () => show(now + 1),
  PageDown: () => show(now + 1),
  " ": () => show(now + 1),
  ArrowLeft: () => show(now - 1),
  PageUp: () => show(now - 1),
  Home: () => show(0),
  End: () => show(slides.length - 1),
  c: () => { contents.hidden = !contents.hidden; },
  Escape: () => { contents.hidden = true; },
  n: () => document.body.classList.toggle("notes"),
  d: () => setDark(!root.classList.contains("dark")),
  p: () => print(),
};

addEventListener("keydown", (event) => {
  const action = KEYS[event.key];
  // With Ctrl or Alt a key belongs to the browser.
  if (!action || event.ctrlKey || event.altKey || event.metaKey) return;
  event.preventDefault();
  action();
});
addEventListener("hashchange", () => goTo(location.hash));
contents.addEventListener("click", (event) => {
  const link = event.target.closest("a");
  if (!link) return;
  event.preventDefault();
  contents.hidden = true;
  goTo(link.hash);
});
document.querySelector("main").addEventListener("click", (event) => {
  if (event.target.closest("a, pre, summary")) return;
  show(event.clientX < innerWidth / 4 ? now - 1 : now + 1);
});

setDark(matchMedia("(prefers-color-scheme: dark)").matches);
goTo(location.hash);
