// A ranking: letters or digits rank the next text, arrows and buttons move it, the handle drags it. Nothing is ranked at first.
"use strict";

(() => {
  const EXCERPT = 160;
  const live = document.getElementById("live");
  const fill = (words, letter, more = {}) => Object.entries({ letter, ...more }).reduce((text, [name, value]) => text.replace(`{${name}}`, value), words);

  const fieldOf = (item) => item.querySelector("input");
  const itemsOf = (row) => [...row.querySelectorAll(".place")];
  const rankOf = (item) => Number(fieldOf(item).value) || 0;
  const pickOf = (item) => item.querySelector(".pick");

  // ------------------------------------------------------------------------------- the order, read from the fields
  // [{item, tied}]: ranked items from the first; `tied` ones share the rank of the one before.

  function orderOf(row) {
    const ranked = itemsOf(row).filter(rankOf).sort((a, b) => rankOf(a) - rankOf(b) || a.dataset.place - b.dataset.place);
    return ranked.map((item, at) => ({ item, tied: at > 0 && rankOf(item) === rankOf(ranked[at - 1]) }));
  }

  function write(row, order) {
    for (const item of itemsOf(row)) fieldOf(item).value = "";
    let rank = 0;
    order.forEach(({ item, tied }, at) => {
      if (!tied || at === 0) rank = at + 1;
      fieldOf(item).value = rank;
    });
  }

  function change(row, order, item) { // write, show, say, and keep the focus on the text
    write(row, order);
    show(row);
    pickOf(item).focus({ focusVisible: true });
    fieldOf(item).dispatchEvent(new Event("change", { bubbles: true }));
    const all = rater.kinds.ranking.isAnswered(row) ? ` ${row.dataset.sayDone}` : "";
    live.textContent = sentence(row, item) + all;
  }

  function sentence(row, item) {
    const rank = rankOf(item);
    const { sayOpen, sayRanked, sayTied, outputs } = row.dataset;
    const shared = itemsOf(row).filter((other) => rankOf(other) === rank).length > 1;
    return fill(rank ? (shared ? sayTied : sayRanked) : sayOpen, item.dataset.letter, { rank, total: outputs });
  }

  function show(row) {
    const order = orderOf(row).map(({ item }) => item);
    const open = itemsOf(row).filter((item) => !rankOf(item)).sort((a, b) => a.dataset.place - b.dataset.place);
    const list = row.querySelector(".places");
    [...order, ...open].forEach((item, at) => { if (list.children[at] !== item) list.insertBefore(item, list.children[at] ?? null); });
    for (const item of itemsOf(row)) {
      const rank = rankOf(item);
      item.classList.toggle("ranked", rank > 0);
      item.querySelector(".rank").textContent = rank || "";
      pickOf(item).setAttribute("aria-label", `${sentence(row, item)}. ${item.querySelector(".excerpt").textContent}`);
      for (const button of item.querySelectorAll("[data-do]")) button.hidden = rank === 0;
      item.querySelector("[data-do=up]").disabled = order[0] === item;
      item.querySelector("[data-do=down]").disabled = order.at(-1) === item;
      const tie = item.querySelector("[data-do=tie]");
      if (tie) {
        tie.disabled = order[0] === item;
        tie.setAttribute("aria-pressed", order.indexOf(item) > 0 && rankOf(order[order.indexOf(item) - 1]) === rank);
      }
    }
  }

  // ---------------------------------------------------------------------------------------------------- what is done

  const moves = {
    pick(row, item) {
      if (!rankOf(item)) change(row, [...orderOf(row), { item, tied: false }], item);
    },
    out(row, item) {
      if (rankOf(item)) change(row, orderOf(row).filter((one) => one.item !== item), item);
    },
    tie(row, item) {
      change(row, orderOf(row).map((one, at) => (one.item === item && at > 0 ? { item, tied: !one.tied } : one)), item);
    },
    up: (row, item) => shift(row, item, -1),
    down: (row, item) => shift(row, item, 1),
  };

  function shift(row, item, by) {
    const at = orderOf(row).findIndex((one) => one.item === item);
    if (at >= 0) place(row, item, at + by);
  }

  function place(row, item, to) { // a text that was moved stands alone
    const order = orderOf(row);
    const at = order.findIndex((one) => one.item === item);
    if (at >= 0 && order[at + 1]?.tied && !order[at].tied) order[at + 1].tied = false; // it was the first of its tie
    const rest = order.filter((one) => one.item !== item);
    const target = Math.min(Math.max(to, 0), rest.length);
    rest.splice(target, 0, { item, tied: false });
    if (rest[target + 1]) rest[target + 1].tied = false; // it came between two that shared a rank
    change(row, rest, item);
  }

  // --------------------------------------------------------------------------------------------------------- dragging

  function drag(row, item, event) {
    if (event.button > 0) return;
    event.preventDefault();
    const list = row.querySelector(".places");
    const { pointerId } = event; // the page listens, because a handle that is moved in the page loses its pointer
    item.classList.add("dragged");
    const move = ({ clientY, pointerId: other }) => {
      if (other !== pointerId) return;
      const others = itemsOf(row).filter((other) => other !== item);
      const before = others.find((other) => { const box = other.getBoundingClientRect(); return clientY < box.top + box.height / 2; });
      if ((before ?? null) !== item.nextElementSibling) list.insertBefore(item, before ?? null);
      item.scrollIntoView({ block: "nearest" });
    };
    const end = (last) => {
      if (last.pointerId !== pointerId) return;
      document.removeEventListener("pointermove", move);
      document.removeEventListener("pointerup", end);
      document.removeEventListener("pointercancel", end);
      item.classList.remove("dragged");
      const above = itemsOf(row).slice(0, itemsOf(row).indexOf(item)).filter(rankOf).length;
      if (last.type === "pointercancel") show(row);
      else place(row, item, above);
    };
    document.addEventListener("pointermove", move);
    document.addEventListener("pointerup", end);
    document.addEventListener("pointercancel", end);
  }

  // ------------------------------------------------------------------------------------------------------- the page

  function button(name, words, sign) {
    const made = document.createElement("button");
    made.type = "button";
    made.className = "tool";
    made.dataset.do = name;
    made.setAttribute("aria-label", words);
    made.textContent = sign;
    return made;
  }

  function build(row, item) {
    const { letter } = item.dataset;
    const words = row.dataset;
    const id = `${fieldOf(item).id}-whole`;
    item.querySelector(".numbered").hidden = true;
    item.insertAdjacentHTML("afterbegin", '<span class="grip" aria-hidden="true">⠿</span><span class="rank" aria-hidden="true"></span><button type="button" class="pick"><b></b> <span class="excerpt" dir="auto"></span></button><span class="tools"></span><div class="whole" dir="auto" tabindex="0" role="region" hidden></div>');
    item.querySelector(".pick b").textContent = letter;
    const whole = item.querySelector(".whole");
    whole.id = id;
    whole.setAttribute("aria-label", fill(words.whole, letter));
    const toggle = button("open", fill(words.whole, letter), "⌄");
    delete toggle.dataset.do;
    toggle.classList.add("open");
    toggle.setAttribute("aria-expanded", "false");
    toggle.setAttribute("aria-controls", id);
    toggle.addEventListener("click", () => {
      whole.hidden = !whole.hidden;
      toggle.setAttribute("aria-expanded", String(!whole.hidden));
    });
    const tools = [toggle];
    if (words.ties === "yes") tools.push(button("tie", fill(words.tie, letter), "="));
    tools.push(button("up", fill(words.up, letter), "↑"), button("down", fill(words.down, letter), "↓"), button("out", fill(words.out, letter), "×"));
    item.querySelector(".tools").append(...tools);
    for (const tool of tools) if (tool.dataset.do) tool.addEventListener("click", () => moves[tool.dataset.do](row, item));
    pickOf(item).addEventListener("click", () => moves.pick(row, item));
    item.querySelector(".grip").addEventListener("pointerdown", (event) => drag(row, item, event));
  }

  function ready(row) { // once: the list takes the place of the fields for numbers
    if (row.querySelector(".pick")) return;
    for (const item of itemsOf(row)) build(row, item);
    row.querySelector(".plainly").hidden = true;
    row.querySelector(".scripted").hidden = false;
    document.documentElement.classList.add("with-list");
  }

  function neighbour(row, item, by) {
    const all = itemsOf(row);
    const to = all[all.indexOf(item) + by];
    if (to) pickOf(to).focus({ focusVisible: true });
  }

  rater.kinds.ranking = {
    stays: true,
    isAnswered: (row) => itemsOf(row).every(rankOf),
    control: (row) => pickOf(itemsOf(row).find((item) => !rankOf(item)) ?? itemsOf(row)[0]),
    key(event, row) {
      const { key } = event;
      const item = document.activeElement?.closest?.(".place");
      const named = itemsOf(row).find(({ dataset }) => dataset.letter === key.toUpperCase() || dataset.place === key);
      const inside = item && row.contains(item);
      if (named && rankOf(named)) pickOf(named).focus({ focusVisible: true });
      else if (named) moves.pick(row, named);
      else if (!inside || event.target.matches(".whole")) return false;
      else if (key === "ArrowUp" || key === "ArrowDown") {
        const by = key === "ArrowUp" ? -1 : 1;
        if (rankOf(item)) shift(row, item, by);
        else neighbour(row, item, by);
      } else if (key === "ArrowLeft" || key === "ArrowRight") neighbour(row, item, key === "ArrowLeft" ? -1 : 1);
      else if (key === "Backspace" || key === "Delete") moves.out(row, item);
      else if (key === "=" && row.dataset.ties === "yes") moves.tie(row, item);
      else if (key === "Enter" && event.target.matches(".pick") && rankOf(item) && this.isAnswered(row)) rater.keys.moveOn(row);
      else return false;
      event.preventDefault();
      return true;
    },
    sync(row, article) {
      ready(row);
      const texts = [...article.querySelectorAll(".text")].map((box) => box.textContent);
      for (const item of itemsOf(row)) {
        const text = texts[item.dataset.place - 1] ?? "";
        item.querySelector(".excerpt").textContent = text.slice(0, EXCERPT).replace(/\s+/gu, " ").trim();
        item.querySelector(".whole").textContent = text;
        item.querySelector(".whole").hidden = true;
        item.querySelector(".open").setAttribute("aria-expanded", "false");
      }
      show(row);
    },
  };
})();
