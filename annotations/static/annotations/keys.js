// The keyboard: 1…n answer the marked row and mark the next one, arrows move, Enter goes on, ? shows the list.
"use strict";
window.rater = window.rater || {};

// How a question type is answered, by its name; what a type does not say is done as for `choice` below.
rater.kinds = {};

rater.keys = (() => {
  const form = document.getElementById("trial");
  const list = form.querySelector(".keys");
  const toggle = document.getElementById("keys-on");
  const next = document.getElementById("next");
  const rows = () => [...form.querySelectorAll(".row")]; // their order is that of the trial

  const choice = {
    // Whether the row holds a possible answer.
    isAnswered: (row) => Boolean(row.querySelector("input:checked")),
    // The control that gets the focus.
    control: (row) => row.querySelector("input:checked") ?? row.querySelector("input"),
    // Take a key, or leave it by returning false.
    key(event, row) {
      const input = keyed(row, event.key, "input[type=radio]");
      if (!input) return false;
      event.preventDefault();
      press(input);
      moveOn(row);
      return true;
    },
    // Put what the page shows in line with what the named controls hold, for the trial that is shown now.
    sync() {},
    // Whether an answer may still be changed by the next key, so that the focus stays and Enter moves on.
    stays: false,
  };
  const kindOf = (row) => ({ ...choice, ...rater.kinds[row.dataset.kind] });
  const isAnswered = (row) => kindOf(row).isAnswered(row);

  const isTyping = (target) => target.isContentEditable
    || target.matches("textarea, select, input:not([type=radio], [type=checkbox], [type=range], [type=button], [type=submit])");
  const inRow = () => document.activeElement?.closest?.(".row") ?? null;
  const current = () => inRow() ?? rows().find((row) => !isAnswered(row)) ?? null;

  function keyed(row, key, selector) { // the control of a row that has this shortcut
    const wanted = key.toLowerCase();
    return [...row.querySelectorAll(selector)].find(({ dataset }) => dataset.key === wanted || dataset.also === wanted);
  }

  function press(input) {
    if (input.type === "checkbox") input.checked = !input.checked;
    else if (input.checked) return;
    else input.checked = true;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  }

  function mark() {
    const row = current();
    for (const other of rows()) other.classList.toggle("current", other === row);
  }

  function enter(row) { // focus the row without answering it
    kindOf(row).control(row).focus({ focusVisible: true });
  }

  function moveOn(row) {
    const all = rows();
    const after = all.slice(all.indexOf(row) + 1).find((other) => !isAnswered(other)) ?? all.find((other) => !isAnswered(other));
    if (after) enter(after);
    else next.focus({ focusVisible: true });
  }

  function jump(event, from) { // to the next row that is reached by this key
    const all = rows();
    const at = all.indexOf(from) + 1;
    const to = [...all.slice(at), ...all.slice(0, at)].find(({ dataset }) => dataset.jump === event.key.toLowerCase());
    if (!to) return;
    event.preventDefault();
    enter(to);
  }

  function upDown(event) {
    const row = inRow();
    const up = event.key === "ArrowUp";
    if (!row && !(up && event.target === next)) return; // elsewhere the arrows scroll, as everywhere
    event.preventDefault();
    const all = rows();
    const at = row ? all.indexOf(row) : all.length;
    const to = all[at + (up ? -1 : 1)];
    if (to) enter(to);
    else if (!up) next.focus({ focusVisible: true });
  }

  function goOn(event) {
    if (event.repeat) return event.preventDefault();
    if (event.target.closest("a, button, summary")) return undefined;
    event.preventDefault();
    const row = inRow();
    if (row && kindOf(row).stays && isAnswered(row) && !rows().every(isAnswered)) return moveOn(row);
    return form.requestSubmit();
  }

  function help(event) {
    event.preventDefault();
    list.open = !list.open;
    if (list.open) list.querySelector("summary").focus({ focusVisible: true });
  }

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (isTyping(event.target)) return;
    const row = current();
    const letter = event.key.length === 1;
    if (row && (letter ? toggle.checked && !event.repeat : inRow()) && kindOf(row).key(event, row)) return;
    if (event.key === "Enter") goOn(event);
    else if (event.key === "ArrowUp" || event.key === "ArrowDown") upDown(event);
    else if (letter && toggle.checked && !event.repeat) {
      if (event.key === "?" || event.key === "؟") help(event);
      else jump(event, row);
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
  return { mark, enter, moveOn, rows, isAnswered, keyed, press, kindOf };
})();
