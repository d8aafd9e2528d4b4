// Opened from the disk, a page may not start Python: say what does.
if (location.protocol === "file:") {
  for (const link of document.querySelectorAll("a.run")) {
    const words = document.createElement("span");
    words.className = "needs-server";
    words.textContent = "to run it: python3 -m workshop site --serve";
    link.replaceWith(words);
  }
}
