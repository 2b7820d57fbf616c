// Free text: characters are counted as the server counts them; no shortcut fires in a text field.
"use strict";

(() => {
  const form = document.getElementById("trial");
  const areaOf = (row) => row.querySelector("textarea");
  const size = (text) => [...text.replace(/\r\n?/gu, "\n").trim()].length;

  function count(row) {
    const { least, most } = row.dataset;
    const now = size(areaOf(row).value);
    const counter = row.querySelector(".count");
    counter.textContent = now ? `${now} / ${most}` : "";
    counter.classList.toggle("over", now > Number(most));
    row.classList.toggle("short", now > 0 && now < Number(least));
  }

  rater.kinds.free_text = {
    isAnswered: (row) => size(areaOf(row).value) >= Number(row.dataset.least) && size(areaOf(row).value) <= Number(row.dataset.most),
    control: areaOf,
    key: () => false,
    sync: count,
  };

  form.addEventListener("input", ({ target }) => {
    const row = target.closest(".row[data-kind=free_text]");
    if (row) count(row);
  });
  for (const name of ["paste", "drop"]) {
    form.addEventListener(name, (event) => {
      const row = event.target.closest?.(".row[data-block-paste]");
      if (!row) return;
      event.preventDefault();
      rater.say(row.dataset.blockPaste);
    });
  }
})();
