// Time on a trial: since first paint, first answer, hidden time, and silences beyond a minute (which are no reading).
"use strict";
window.rater = window.rater || {};

rater.clock = (() => {
  const SILENCE = 60000;
  let times = null; // {start, first, hidden, idle}: start is wall-clock time, the others are durations in milliseconds
  let sign = 0; // the last sign of life
  let hiddenAt = 0; // since when the page has been hidden, 0 when it is visible

  const now = () => Date.now();

  function settle() { // count what has passed since the last sign of life, up to this moment
    const at = now();
    if (hiddenAt) {
      times.hidden += Math.max(0, at - hiddenAt);
      hiddenAt = at;
    } else {
      times.idle += Math.max(0, at - sign - SILENCE);
    }
    sign = at;
  }

  function alive() {
    if (times && !hiddenAt && now() - sign > 250) settle();
  }

  document.addEventListener("visibilitychange", () => {
    if (!times) return;
    settle();
    hiddenAt = document.visibilityState === "hidden" ? now() : 0;
  });
  for (const name of ["pointermove", "pointerdown", "keydown", "touchmove", "wheel", "scroll", "focusin"]) {
    document.addEventListener(name, alive, { capture: true, passive: true });
  }

  return {
    // Begin a trial, or go on with one that was begun before a reload: the time between counts as hidden.
    start(saved) {
      const at = now();
      hiddenAt = document.visibilityState === "hidden" ? at : 0;
      sign = at;
      if (saved && saved.start <= at) {
        times = { start: saved.start, first: saved.first, hidden: saved.hidden, idle: saved.idle };
        times.hidden += Math.max(0, at - saved.seen);
        return;
      }
      times = { start: at, first: null, hidden: 0, idle: 0 };
      const begun = times;
      requestAnimationFrame(() => requestAnimationFrame(() => { // the frame after the first paint
        if (times === begun && begun.first === null && !begun.hidden && now() - at < 1000) begun.start = sign = now();
      }));
    },
    answered() {
      if (times.first === null) times.first = Math.max(0, now() - times.start);
    },
    save() {
      settle();
      return { ...times, seen: now() };
    },
    fields() {
      settle();
      const fields = { t_submit: now() - times.start, t_hidden: times.hidden, t_idle: times.idle };
      if (times.first !== null) fields.t_first = times.first;
      return fields;
    },
  };
})();
