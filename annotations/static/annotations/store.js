// What must not be lost: half-given answers, and answers that the server has not acknowledged yet.
"use strict";
window.rater = window.rater || {};

rater.store = (() => {
  const spare = new Map(); // where the browser refuses storage, this page's memory has to do
  const prefix = () => `rater:${document.getElementById("trial").dataset.home}:`;

  const raw = {
    get(key) {
      try { return localStorage.getItem(key) ?? spare.get(key) ?? null; } catch { return spare.get(key) ?? null; }
    },
    set(key, value) {
      try { localStorage.setItem(key, value); } catch { spare.set(key, value); }
    },
    remove(key) {
      spare.delete(key);
      try { localStorage.removeItem(key); } catch { /* it was never there */ }
    },
    keys() {
      try { return Object.keys(localStorage); } catch { return [...spare.keys()]; }
    },
  };

  function read(name) {
    try { return JSON.parse(raw.get(prefix() + name)); } catch { return null; }
  }
  const write = (name, value) => raw.set(prefix() + name, JSON.stringify(value));

  return {
    flag: (name) => raw.get(`rater:${name}`),
    setFlag: (name, value) => raw.set(`rater:${name}`, value),
    draft: (trial) => read(`draft:${trial}`),
    saveDraft: (trial, draft) => write(`draft:${trial}`, draft),
    // Answers on their way, oldest first: [{trial, body}]. Read anew each time, because two tabs share it.
    outbox: () => read("outbox") || [],
    put(item) {
      write("outbox", [...this.outbox().filter((other) => other.trial !== item.trial), item]);
    },
    acknowledge(trial) {
      const rest = this.outbox().filter((item) => item.trial !== trial);
      if (rest.length) write("outbox", rest);
      else raw.remove(`${prefix()}outbox`);
      raw.remove(`${prefix()}draft:${trial}`);
    },
    // Forget drafts of trials that were answered elsewhere.
    keepOnly(trials) {
      const kept = new Set(trials.map((trial) => `${prefix()}draft:${trial}`));
      for (const key of raw.keys()) {
        if (key.startsWith(`${prefix()}draft:`) && !kept.has(key)) raw.remove(key);
      }
    },
  };
})();
