// For the wall: the key b, or the button, makes text and pictures big, and small again.
// The choice is kept for this tab, so that it outlives a page that is loaded again.
const button = document.getElementById("big");

function show(big) {
  document.documentElement.classList.toggle("big", big);
  button.setAttribute("aria-pressed", String(big));
  sessionStorage.setItem("big", big ? "yes" : "no");
}

// A letter that is typed into a text field is meant for the text.
function isTyped(target) {
  return target.matches("input:not([type=radio]), textarea, select");
}

button.addEventListener("click", () => show(button.ariaPressed !== "true"));
document.addEventListener("keydown", (event) => {
  const withModifier = event.ctrlKey || event.altKey || event.metaKey;
  if (event.key.toLowerCase() === "b" && !withModifier && !isTyped(event.target)) {
    button.click();
  }
});
show(sessionStorage.getItem("big") === "yes");
