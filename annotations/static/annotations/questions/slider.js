// A slider: nothing is answered before the handle was moved. Arrows by one step, Page Up and Down by a tenth, digits to tens.
"use strict";

(() => {
  const rangeOf = (row) => row.querySelector("input[type=range]");
  const numberOf = (row) => row.querySelector("input[type=number]");
  const limits = (range) => [Number(range.min), Number(range.max), Number(range.step)];
  let way = "pointer";

  function hash(text) { // FNV-1a: the same start after a reload, another one for every trial and output
    let sum = 2166136261;
    for (const letter of text) sum = Math.imul(sum ^ letter.codePointAt(0), 16777619) >>> 0;
    return (sum ^ (sum >>> 15)) >>> 0;
  }

  function startOf(row, trial) { // null: no handle before the first touch
    const { start, startAt } = row.dataset;
    const [low, high, step] = limits(rangeOf(row));
    if (start === "fixed") return Number(startAt);
    if (start === "random") return low + step * (hash(trial + numberOf(row).name) % ((high - low) / step + 1));
    return null;
  }

  function paint(row) {
    const range = rangeOf(row);
    const [low, high] = limits(range);
    const given = numberOf(row).value !== "";
    range.style.setProperty("--at", (range.value - low) / (high - low));
    row.classList.toggle("given", given);
    const figure = row.querySelector(".figure");
    if (figure) figure.textContent = given ? range.value : "";
    if (given) row.querySelector(".nudge").hidden = true;
    if (given) range.removeAttribute("aria-valuetext");
    else range.setAttribute("aria-valuetext", row.classList.contains("bare") ? row.dataset.sayOpen : `${range.value}, ${row.dataset.sayOpen}`);
  }

  function give(row) { // the handle was moved: now it is an answer
    numberOf(row).value = rangeOf(row).value;
    rater.evidence.moved(numberOf(row), way);
    paint(row);
  }

  function put(row, value) {
    const range = rangeOf(row);
    const [low, , step] = limits(range);
    range.value = low + Math.round((value - low) / step) * step;
    way = "key";
    give(row);
    range.dispatchEvent(new Event("change", { bubbles: true }));
  }

  function ready(row) { // once: the slider takes the place of the field for a number
    const range = rangeOf(row);
    if (!range.hidden) return;
    range.hidden = false;
    row.querySelector(".number").hidden = true;
    const figure = row.querySelector(".figure");
    if (figure) figure.hidden = false;
    range.addEventListener("pointerdown", () => { way = "pointer"; });
    range.addEventListener("keydown", () => { way = "key"; });
    range.addEventListener("input", () => give(row));
    range.addEventListener("click", () => { // pressed where the handle stands: there is no movement to see
      if (numberOf(row).value !== "") return;
      row.querySelector(".nudge").hidden = row.classList.contains("bare");
      if (!row.classList.contains("bare")) return; // a visible handle has to be moved
      give(row);
      range.dispatchEvent(new Event("change", { bubbles: true }));
    });
  }

  rater.kinds.slider = {
    stays: true,
    isAnswered: (row) => numberOf(row).value !== "",
    control: rangeOf,
    key(event, row) {
      const range = rangeOf(row);
      const [low, high] = limits(range);
      const tenth = (high - low) / 10;
      const by = { PageUp: tenth, PageDown: -tenth }[event.key];
      if (by) put(row, Math.min(high, Math.max(low, Number(range.value) + by)));
      else if (event.key === "Home") put(row, low); // also where it stands there already: then it is meant
      else if (event.key === "End") put(row, high);
      else if (/^[0-9]$/u.test(event.key)) {
        put(row, low + Number(event.key) * tenth);
        range.focus({ focusVisible: true });
      } else return false;
      event.preventDefault();
      return true;
    },
    sync(row, article) {
      ready(row);
      const start = startOf(row, article.dataset.trial);
      const [low, high, step] = limits(rangeOf(row));
      const number = numberOf(row);
      row.classList.toggle("bare", start === null);
      rangeOf(row).value = number.value !== "" ? number.value : start ?? low + Math.floor((high - low) / 2 / step) * step;
      rater.evidence.slider(number, start);
      paint(row);
    },
  };
})();
