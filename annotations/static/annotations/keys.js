// The keyboard: 1…n answer the marked row and mark the next one, arrows move, Enter goes on, ? shows the list.
"use strict";
window.rater = window.rater || {};

rater.keys = (() => {
  const form = document.getElementById("trial");
  const list = form.querySelector(".keys");
  const toggle = document.getElementById("keys-on");
  const next = document.getElementById("next");
  const rows = [...form.querySelectorAll(".row")];

  const isAnswered = (row) => Boolean(row.querySelector("input:checked"));
  const isTyping = (target) => target.isContentEditable
    || target.matches("textarea, select, input:not([type=radio], [type=checkbox], [type=button], [type=submit])");
  const inRow = () => document.activeElement?.closest?.(".row") ?? null;
  const current = () => inRow() ?? rows.find((row) => !isAnswered(row)) ?? null;

  function mark() {
    const row = current();
    for (const other of rows) other.classList.toggle("current", other === row);
  }

  function enter(row) { // focus the row without answering it
    (row.querySelector("input:checked") ?? row.querySelector("input")).focus({ focusVisible: true });
  }

  function moveOn(row) {
    const after = rows.slice(rows.indexOf(row) + 1).find((other) => !isAnswered(other))
      ?? rows.find((other) => !isAnswered(other));
    if (after) enter(after);
    else next.focus({ focusVisible: true });
  }

  function digit(event) {
    const row = current();
    const input = row && [...row.querySelectorAll("input")].find((item) => item.dataset.key === event.key);
    if (!input) return;
    event.preventDefault();
    if (!input.checked) {
      input.checked = true;
      input.dispatchEvent(new Event("change", { bubbles: true }));
    }
    moveOn(row);
  }

  function upDown(event) {
    const row = inRow();
    const up = event.key === "ArrowUp";
    if (!row && !(up && event.target === next)) return; // elsewhere the arrows scroll, as everywhere
    event.preventDefault();
    const at = row ? rows.indexOf(row) : rows.length;
    const to = rows[at + (up ? -1 : 1)];
    if (to) enter(to);
    else if (!up) next.focus({ focusVisible: true });
  }

  function help(event) {
    event.preventDefault();
    list.open = !list.open;
    if (list.open) list.querySelector("summary").focus({ focusVisible: true });
  }

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (isTyping(event.target)) return;
    if (event.key === "Enter") {
      if (event.repeat) event.preventDefault();
      else if (!event.target.closest("a, button, summary")) {
        event.preventDefault();
        form.requestSubmit();
      }
    } else if (event.key === "ArrowUp" || event.key === "ArrowDown") {
      upDown(event);
    } else if (toggle.checked && !event.repeat) {
      if (event.key === "?") help(event);
      else if (/^[0-9]$/.test(event.key)) digit(event);
    }
  });

  function switched() {
    document.documentElement.classList.toggle("keys-on", toggle.checked);
  }
  toggle.checked = rater.store.flag("keys") !== "off";
  toggle.addEventListener("change", () => {
    rater.store.setFlag("keys", toggle.checked ? "on" : "off");
    switched();
  });
  switched();
  form.addEventListener("focusin", mark);
  form.addEventListener("focusout", () => requestAnimationFrame(mark));
  form.addEventListener("change", mark);
  return { mark, enter, rows, isAnswered };
})();
