// Best and worst are two texts: choosing one as the best takes it away from the worst, and the other way round.
"use strict";

document.getElementById("trial").addEventListener("change", ({ target }) => {
  const row = target.closest(".row[data-kind=best_worst]");
  if (!row || !target.checked) return;
  for (const other of document.querySelectorAll(".row[data-kind=best_worst]")) {
    if (other === row || other.dataset.row !== row.dataset.row) continue;
    for (const input of other.querySelectorAll("input:checked")) if (input.value === target.value) input.checked = false;
  }
}, true);
