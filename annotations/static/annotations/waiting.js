/* Waiting for the answers of a round: asks quietly, and goes on when they are there. */
"use strict";

(() => {
  const place = document.getElementById("waiting");
  if (!place) return;
  let pause = 1000;

  async function look() {
    try {
      const answer = await fetch(place.dataset.state, { headers: { Accept: "application/json" } });
      if (answer.ok && !(await answer.json()).waiting) { window.location.reload(); return; }
    } catch { /* no network: look again later */ }
    pause = Math.min(pause * 1.3, 8000);
    setTimeout(look, pause);
  }
  setTimeout(look, pause);
})();
