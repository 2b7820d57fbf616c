// What is noticed while a trial is answered, for checks later: see annotations/forms/evidence.py for the meaning.
"use strict";
window.rater = window.rater || {};

rater.evidence = (() => {
  const LONGEST = 4000; // the server takes 4,096 bytes
  const form = document.getElementById("trial");
  const lengths = new WeakMap(); // of text fields, as of the last event
  let seen = null;
  let run = 0; // characters that came since the last key
  let keyed = false;

  const none = () => ({ sliders: {}, pastes: { count: 0, characters: 0, fields: [] }, burst: 0, switches: 0, order: [] });
  const fieldOf = (control) => (control.name || control.closest(".row")?.querySelector("[name]")?.name || "").replace(/^answer-/u, "");
  const isText = (target) => target.matches?.("textarea");

  function note(list, name) {
    if (name && !list.includes(name)) list.push(name);
  }

  function pasted(event, text) {
    if (!seen || !isText(event.target)) return;
    seen.pastes.count += 1;
    seen.pastes.characters += text.length;
    note(seen.pastes.fields, fieldOf(event.target));
  }

  form.addEventListener("paste", (event) => pasted(event, event.clipboardData?.getData("text") ?? ""), true);
  form.addEventListener("drop", (event) => pasted(event, event.dataTransfer?.getData("text") ?? ""), true);
  form.addEventListener("keydown", (event) => { if (isText(event.target)) keyed = true; }, true);
  form.addEventListener("focusin", ({ target }) => { if (isText(target)) lengths.set(target, target.value.length); });
  form.addEventListener("input", (event) => {
    const field = event.target;
    if (!seen || !isText(field)) return;
    const grown = field.value.length - (lengths.get(field) ?? 0);
    lengths.set(field, field.value.length);
    note(seen.order, fieldOf(field));
    if (keyed || /Paste|Drop|Undo|Redo/u.test(event.inputType ?? "")) run = 0;
    else run += Math.max(0, grown);
    keyed = false;
    seen.burst = Math.max(seen.burst, run);
  });
  form.addEventListener("change", ({ target }) => { if (seen && target.closest(".row")) note(seen.order, fieldOf(target)); });
  document.addEventListener("visibilitychange", () => { if (seen && document.visibilityState === "hidden") seen.switches += 1; });

  return {
    // Begin a trial, or go on with one that was begun before a reload.
    start(saved) {
      seen = { ...none(), ...saved };
      run = 0;
      keyed = false;
    },
    slider(control, start) { // where the handle stands at first
      seen.sliders[fieldOf(control)] ??= { start, by: [] };
    },
    moved(control, way) {
      note(seen.sliders[fieldOf(control)].by, way);
    },
    save: () => structuredClone(seen),
    field() {
      const whole = JSON.stringify(seen);
      return whole.length <= LONGEST ? whole : JSON.stringify({ ...seen, order: [] });
    },
  };
})();
