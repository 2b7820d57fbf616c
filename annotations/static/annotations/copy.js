// Copy buttons; and at the end of a study nothing stays behind in this browser.
"use strict";
for (const button of document.querySelectorAll("[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const source = document.getElementById(button.dataset.copy);
    const said = document.getElementById("said");
    try {
      await navigator.clipboard.writeText(source.textContent.trim());
      said.textContent = button.dataset.copied;
    } catch {
      getSelection().selectAllChildren(source);
      said.textContent = button.dataset.selected;
    }
  });
}
if (document.getElementById("finished")) {
  const home = `rater:${location.pathname}:`;
  try {
    for (const key of Object.keys(localStorage)) if (key.startsWith(home)) localStorage.removeItem(key);
  } catch { /* nothing was kept */ }
}
