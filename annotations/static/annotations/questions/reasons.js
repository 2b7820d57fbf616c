// A choice with reasons: the digits after those of the choice tick; ↓ and Enter lead on when enough are ticked.
"use strict";

rater.kinds.choice_with_reasons = {
  stays: true,
  isAnswered(row) {
    const ticked = row.querySelectorAll("input[type=checkbox]:checked").length;
    return Boolean(row.querySelector("input[type=radio]:checked")) && ticked >= Number(row.dataset.atLeast);
  },
  control: (row) => row.querySelector("input[type=radio]:checked") ?? row.querySelector("input"),
  key(event, row) {
    const input = rater.keys.keyed(row, event.key, "input[type=radio], input[type=checkbox]");
    if (!input) return false;
    event.preventDefault();
    rater.keys.press(input);
    input.focus({ focusVisible: true });
    return true;
  },
};
