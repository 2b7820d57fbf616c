// "Preview" under each Markdown box: the server renders the text as raters will see it. Without a script the pages show it.
"use strict";

for (const box of document.querySelectorAll("textarea[data-markdown]")) {
  const form = box.closest("form[data-preview]");
  if (!form) continue;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "ev-button is-small";
  button.textContent = "Preview";
  const shown = document.createElement("div");
  shown.className = "ev-prose ev-note";
  shown.hidden = true;
  shown.setAttribute("role", "status");
  button.addEventListener("click", async () => {
    shown.hidden = !shown.hidden;
    button.textContent = shown.hidden ? "Preview" : "Hide the preview";
    if (shown.hidden) return;
    const body = new FormData();
    body.set("csrfmiddlewaretoken", form.elements.csrfmiddlewaretoken.value);
    body.set("text", box.value);
    try {
      const response = await fetch(form.dataset.preview, { method: "POST", body, credentials: "same-origin" });
      if (!response.ok) throw new Error(response.statusText);
      shown.innerHTML = (await response.text()) || "Nothing is written yet.";
    } catch {
      shown.textContent = "The preview does not work at the moment.";
    }
  });
  box.after(button, shown);
}
