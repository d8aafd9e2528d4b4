// A notebook's link to a page of the site is "#site/GLOSSARY.html" until somebody points
// at it: JupyterLab takes every other address for a file of its own.
function lead(event) {
  const link = event.target.closest?.('a[href^="#site/"]');
  if (!link) return;
  const page = link.getAttribute("href").replace("#site/", "../../");
  link.href = new URL(page, document.baseURI).href;
  link.target = "_blank";
}
for (const kind of ["pointerover", "focusin"]) document.addEventListener(kind, lead, true);
