// How a label looks: a letter, a colour with its underline (page.css), a name.

import { has, t } from "./strings.js";

const KNOWN = {
  NORMALIZABLES: ["N", 0],
  PROTEINAS: ["P", 1],
  NO_NORMALIZABLES: ["X", 2],
  UNCLEAR: ["U", 3],
};
const N_COLOURS = 8;

export class Labels {
  #looks = new Map();

  constructor(labels) {
    const free = new Set(Array.from("ABCDEFGHIJKLMNOPQRSTUVWXYZ"));
    for (const label of labels.filter((each) => Object.hasOwn(KNOWN, each))) {
      const [letter, colour] = KNOWN[label];
      this.#looks.set(label, { letter, colour });
      free.delete(letter);
    }
    let colour = 4;
    for (const label of labels.filter((each) => !Object.hasOwn(KNOWN, each))) {
      const own = Array.from(label.toUpperCase()).find((sign) => free.has(sign));
      const letter = own ?? [...free][0] ?? "?";
      this.#looks.set(label, { letter, colour: colour % N_COLOURS });
      free.delete(letter);
      colour += 1;
    }
  }

  get all() {
    return [...this.#looks.keys()];
  }

  letter(label) {
    return this.#looks.get(label).letter;
  }

  colour(label) {
    return `colour-${this.#looks.get(label).colour}`;
  }

  name(label) {
    return has(`label_${label}`) ? t(`label_${label}`) : label;
  }
}
