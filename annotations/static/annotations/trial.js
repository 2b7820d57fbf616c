// The flow: read, read, answer, gone. One send per trial; the next pair is in hand; nothing is lost without network.
"use strict";

(() => {
  const { clock, store, keys, evidence } = rater;
  const form = document.getElementById("trial");
  const after = document.getElementById("after");
  const next = document.getElementById("next");
  const said = document.getElementById("said");
  const live = document.getElementById("live");
  const home = form.dataset.home;
  const title = document.title.replace(/^.*? · /u, "");
  const GUARD = 400; // ms after a new pair in which a second click of a double click still falls
  const PATIENCE = 300; // ms before waiting is worth a word
  const BACKOFF = [1000, 2000, 4000, 8000, 15000, 30000];
  const MOST_HINTS = 2;
  const TIMEOUT = 20000;
  const WORDS = document.getElementById("words").dataset; // in the language of the page
  const isPreview = "preview" in form.dataset;

  let shownAt = 0;
  let sending = false;
  let failures = 0;
  let timer = 0;
  let waiting = 0;
  let hinted = "";
  let ignoredHints = 0;
  let saidNow = "";
  const sent = new Set();

  const shown = () => form.querySelector(".trial");
  const tokenOf = (article) => article?.dataset.trial ?? "";
  const heldArticle = () => after.content.querySelector(".trial");
  const fits = (article) => article.dataset.outputs === shown().dataset.outputs; // the rows are those of so many texts
  const fill = (words, values) => words.replace(/\{(\w+)\}/gu, (_, name) => values[name]);
  const isOut = (token) => store.outbox().some((item) => item.trial === token);

  // ------------------------------------------------------------------------------------------------ messages

  function say(text, links = []) {
    if (saidNow === text && !links.length) return; // a live region that is written again is read again
    saidNow = text;
    said.replaceChildren();
    if (!text) return;
    const line = document.createElement("p");
    line.append(text);
    links.forEach(([label, target], index) => {
      const link = document.createElement("a");
      link.href = `#${target.id}`;
      link.textContent = label;
      link.addEventListener("click", (event) => {
        event.preventDefault();
        target.focus({ focusVisible: true });
      });
      line.append(index ? ", " : " ", link);
    });
    if (links.length) line.append(".");
    said.append(line);
  }

  rater.say = say;

  // ---------------------------------------------------------------------------------------------- show a trial

  function answers() { // [[name, value], …], as a form sends it
    const given = [];
    for (const control of form.querySelectorAll(".row [name]")) {
      const isTick = control.type === "radio" || control.type === "checkbox";
      if (isTick ? control.checked : control.value !== "") given.push([control.name, control.value]);
    }
    return given;
  }

  function restore(draft) {
    const given = draft?.answers ?? [];
    for (const control of form.querySelectorAll(".row [name]")) {
      const values = given.filter(([name]) => name === control.name).map(([, value]) => value);
      if (control.type === "radio" || control.type === "checkbox") control.checked = values.includes(control.value);
      else control.value = values[0] ?? "";
    }
    for (const row of keys.rows()) keys.kindOf(row).sync(row, shown());
  }

  function arrange(article) { // the rows in the order of this trial; those in place already are not touched
    const box = form.querySelector(".rows");
    const named = article.dataset.order.split(" ").filter(Boolean);
    const order = [...new Set([...named, ...box.dataset.keys.split(" ")])];
    const wanted = order.flatMap((key) => keys.rows().filter((row) => row.dataset.row === key));
    if (keys.rows().every((row, at) => row === wanted[at])) return;
    box.append(...wanted);
    wanted.forEach((row, at) => row.classList.toggle("same", Boolean(row.dataset.words) && row.dataset.words === wanted[at - 1]?.dataset.words));
  }

  function begin() { // the trial that stands on the page now
    const article = shown();
    const draft = store.draft(tokenOf(article));
    clock.start(draft?.clock);
    evidence.start(draft?.evidence);
    restore(draft);
    shownAt = performance.now();
    for (const box of article.querySelectorAll(".text")) watch(box);
    keys.mark();
    ready();
  }

  function show(article) {
    if (!fits(article)) return leave();
    shown().replaceWith(article);
    arrange(article);
    const { number, total } = article.dataset;
    document.getElementById("progress").value = number - 1;
    const count = fill(WORDS.count, { number, total });
    document.getElementById("count").textContent = count;
    document.title = `${count} · ${title}`;
    say("");
    for (const opened of form.querySelectorAll(".word[open]")) opened.open = false;
    begin();
    window.scrollTo({ top: 0, behavior: "instant" });
    article.querySelector(".prompt").focus({ preventScroll: true });
    live.textContent = fill(WORDS.shown, { number, total });
    return undefined;
  }

  function ready() {
    next.classList.toggle("early", !keys.rows().every(keys.isAnswered) || isOut(tokenOf(shown())));
  }

  // -------------------------------------------------------------------------- were the texts seen to their end?

  function watch(box) {
    const look = () => {
      if (box.scrollTop + box.clientHeight >= box.scrollHeight - 8) box.dataset.seen = "yes";
    };
    box.addEventListener("scroll", look, { passive: true });
    requestAnimationFrame(look);
  }

  // Once per trial, and no more once somebody went on without scrolling twice: he may read by ear.
  function shouldHint() {
    const token = tokenOf(shown());
    const boxes = [...shown().querySelectorAll(".text")];
    const unseen = boxes.find((box) => !box.dataset.seen && box.scrollTop + box.clientHeight < box.scrollHeight - 8);
    if (!unseen) return false;
    if (hinted === token) {
      ignoredHints += 1;
      return false;
    }
    if (ignoredHints >= MOST_HINTS) return false;
    hinted = token;
    say(fill(WORDS.below, { name: unseen.getAttribute("aria-label") }));
    return true;
  }

  // ------------------------------------------------------------------------------------------------------ send

  function missing() {
    const open = keys.rows().filter((row) => !keys.isAnswered(row));
    if (!open.length) return false;
    if (performance.now() - shownAt < GUARD) return true;
    saidNow = "";
    say(WORDS.missing, open.map((row) => [row.dataset.label, keys.kindOf(row).control(row)]));
    keys.enter(open[0]);
    return true;
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const token = tokenOf(shown());
    if (isPreview || isOut(token) || sent.has(token)) return;
    if (missing() || shouldHint()) return;
    const times = Object.entries(clock.fields());
    store.put({ trial: token, body: [["trial", token], ...answers(), ...times, ["evidence", evidence.field()]] });
    advance();
    flush();
  });

  function advance() { // show the pair in hand; without one, wait for the server
    const article = heldArticle();
    if (article && !isOut(tokenOf(article)) && fits(article)) {
      after.content.replaceChildren();
      show(article);
    } else {
      ready();
      clearTimeout(waiting);
      waiting = setTimeout(() => { if (sending && !failures) say(WORDS.saving); }, PATIENCE);
    }
  }

  async function flush() {
    if (sending) return;
    const [item] = store.outbox();
    if (!item) return;
    sending = true;
    clearTimeout(timer);
    let response = null;
    try {
      // `held` is what the page has by now: the trial in hand, else the one on the screen when it is not answered yet.
      const onScreen = isOut(tokenOf(shown())) ? "" : tokenOf(shown());
      const held = tokenOf(heldArticle()) || onScreen;
      response = await fetch(form.action, {
        method: "POST",
        body: new URLSearchParams([...item.body, ["held", held]]),
        headers: { "X-Requested-With": "fetch" },
        credentials: "same-origin",
        redirect: "manual",
        signal: AbortSignal.timeout?.(TIMEOUT),
      });
      if (isAnswer(response)) await take(item, response);
      else response = null;
    } catch {
      response = null;
    }
    sending = false;
    if (response) {
      failures = 0;
      flush();
    } else {
      timer = setTimeout(flush, BACKOFF[Math.min(failures, BACKOFF.length - 1)]);
      failures += 1;
      say(WORDS.offline);
    }
  }

  // Not an answer of ours: a server in trouble, or a wireless network that wants a login, by a page of its own or by
  // leading to one (which is not followed and has the status 0).
  function isAnswer({ status, ok, headers }) {
    if (ok) return headers.has("X-Step");
    return status >= 400 && status < 500 && status !== 408 && status !== 429;
  }

  async function take(item, response) {
    const html = await response.text(); // a connection that dies here has not acknowledged anything
    if (!response.ok) { // refused: the page itself says why, and the draft is still there
      store.acknowledge(item.trial);
      store.saveDraft(item.trial, { answers: item.body.filter(([name]) => name.startsWith("answer-")) });
      leave();
      return;
    }
    store.acknowledge(item.trial);
    sent.add(item.trial);
    if (saidNow === WORDS.offline || saidNow === WORDS.saving) say(store.outbox().length ? WORDS.offline : "");
    if (store.outbox().length) return keep(html);
    if (response.headers.get("X-Step") !== "trial") return leave();
    keep(html, response.headers.get("X-Trial"));
  }

  // Put what came into the hand. `now` is where the server is: it wins when another tab or device went on.
  function keep(html, now = "") {
    const arrived = document.createElement("template");
    arrived.innerHTML = html;
    const articles = [...arrived.content.querySelectorAll(".trial")];
    const held = heldArticle();
    const known = held ? [held, ...articles] : articles;
    if (!now || tokenOf(shown()) === now) {
      const rest = known.filter((article) => tokenOf(article) !== tokenOf(shown()));
      after.content.replaceChildren(...rest.slice(0, 1));
      return;
    }
    const place = known.find((article) => tokenOf(article) === now);
    if (!place) return leave();
    const surprise = !sent.has(tokenOf(shown()));
    after.content.replaceChildren(...known.filter((article) => article !== place).slice(-1));
    show(place);
    if (surprise) say(WORDS.elsewhere);
  }

  function leave() {
    location.replace(home);
  }

  // ------------------------------------------------------------------------------------------ drafts, coming back

  function saveDraft() {
    const token = tokenOf(shown());
    if (isPreview || isOut(token) || sent.has(token)) return;
    store.saveDraft(token, { answers: answers(), clock: clock.save(), evidence: evidence.save() });
  }

  function given(event) {
    if (!event.target.closest(".row")) return;
    clock.answered();
    saveDraft();
    if (saidNow) say(saidNow === WORDS.offline ? saidNow : "");
    ready();
  }
  form.addEventListener("change", given);
  form.addEventListener("input", (event) => { if (event.target.matches("textarea")) given(event); });
  addEventListener("pagehide", saveDraft);
  document.addEventListener("visibilitychange", () => { if (document.visibilityState === "hidden") saveDraft(); });
  addEventListener("online", () => { failures = 0; flush(); });
  addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

  if (isPreview) return begin();
  if (location.pathname !== home) history.replaceState(null, "", home); // a page that came back from a POST
  if (answers().length) store.saveDraft(tokenOf(shown()), { answers: answers() }); // sent back because rows were missing
  store.keepOnly([tokenOf(shown()), tokenOf(heldArticle()), ...store.outbox().map((item) => item.trial)]);
  begin();
  if (isOut(tokenOf(shown()))) advance(); // an answer that was not sent before the page was closed
  return flush();
})();
