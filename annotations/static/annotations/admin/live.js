/* Live panels: asks for the numbers every few seconds, less often when nothing changes, not at all when nobody looks. */
"use strict";

(() => {
  const root = document.querySelector("[data-live]");
  if (!root || !root.dataset.live) return;
  const light = document.querySelector("[data-live-state]");
  const FAST = 3000, SLOW = 30000;
  let pause = FAST, timer = null, stopped = false;

  function say(state, words) {
    if (light) { light.dataset.state = state; if (light.textContent !== words) light.textContent = words; }
  }

  function show(panels) {
    let changed = false;
    for (const [name, html] of Object.entries(panels)) {
      const panel = root.querySelector(`[data-panel="${name}"]`);
      if (!panel) continue;
      const fresh = document.createElement("template");
      fresh.innerHTML = html;
      if (panel.innerHTML === fresh.innerHTML) continue;  // untouched panels do not flicker and keep a selection
      panel.replaceChildren(fresh.content);
      changed = true;
    }
    return changed;
  }

  async function ask() {
    timer = null;
    if (document.hidden || stopped) return;
    try {
      const answer = await fetch(root.dataset.live, { headers: { Accept: "application/json" }, redirect: "manual" });
      if (answer.type === "opaqueredirect" || answer.status === 403) {
        stopped = true;
        say("lost", "You are logged out: reload the page to log in again");
        return;
      }
      if (!answer.ok) throw new Error(String(answer.status));
      const news = await answer.json();
      if (news.reload) { window.location.reload(); return; }
      pause = show(news.panels) ? FAST : Math.min(pause * 1.4, news.rest ? SLOW : SLOW / 3);
      say("live", "Live");
    } catch {
      pause = Math.min(pause * 2, 2 * SLOW);
      say("waiting", "Connection lost, trying again …");
    }
    timer = setTimeout(ask, pause);
  }

  document.addEventListener("visibilitychange", () => {
    clearTimeout(timer);
    if (!document.hidden && !stopped) { pause = FAST; ask(); }
  });
  say("live", "Live");
  timer = setTimeout(ask, FAST);
})();
