/* The researcher's pages: no double submits, live panels, copying, dropping a file. All work without it but the live panels. */
"use strict";

// A form is sent once; the second click of a double click falls on a button that is off.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.confirm && !window.confirm(form.dataset.confirm)) {
    event.preventDefault();
    return;
  }
  if (!form.matches("[data-once]") || event.submitter?.formTarget) return; // a look in another window sends nothing off
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "1";
  window.removeEventListener("beforeunload", warn);
  setTimeout(() => form.querySelectorAll("button[type=submit]").forEach((button) => { button.disabled = true; }));
});

// Back from the next page, the form can be sent again.
window.addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  document.querySelectorAll("[data-sent]").forEach((form) => {
    delete form.dataset.sent;
    form.querySelectorAll("button[type=submit]").forEach((button) => { button.disabled = false; });
  });
});

function warn(event) { event.preventDefault(); }
document.addEventListener("input", (event) => {
  if (event.target.closest("[data-leave]")) window.addEventListener("beforeunload", warn);
});

document.addEventListener("change", (event) => {
  const select = event.target;
  if (!select.name || !select.name.endsWith("-question_type")) return;
  select.closest(".ev-dimension-grid").querySelectorAll("[data-kind]").forEach((part) => { part.hidden = part.disabled = part.dataset.kind !== select.value; });
});

document.addEventListener("click", async (event) => {
  const copy = event.target.closest("[data-copy]");
  if (copy) {
    await navigator.clipboard.writeText(copy.dataset.copy).catch(() => null);
    const word = copy.lastChild;
    const before = word.textContent;
    word.textContent = "Copied";
    setTimeout(() => { word.textContent = before; }, 1500);
  }
  const phone = event.target.closest("[data-phone]");
  if (phone && window.open(phone.href, "phone", "width=390,height=844")) event.preventDefault();
  if (event.target.matches("[data-select]")) event.target.select();
});

document.querySelectorAll("[data-drop]").forEach((area) => {
  const input = area.querySelector("input[type=file]");
  input.hasChangeListener = true;  // else unfold's script looks for a text field of its own beside it, and fails
  const over = (on) => (event) => { event.preventDefault(); area.classList.toggle("is-over", on); };
  area.addEventListener("dragover", over(true));
  area.addEventListener("dragleave", over(false));
  area.addEventListener("drop", (event) => {
    over(false)(event);
    if (event.dataTransfer.files.length) input.files = event.dataTransfer.files;
  });
});
