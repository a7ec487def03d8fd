// The document's text with its entities: built once, repainted as the reader chooses.

import { make } from "./dom.js";
import { percent, t } from "./strings.js";

const SURE = 0.8; // from here on no figure stands beside the letter
const BLOCK_CHARACTERS = 4000; // a long text is laid out by blocks, as they come into view
export const SIGNS = { found: "✓", missed: "−", spurious: "+", unscored: "" };

export class TextView {
  #element;
  #pieces = []; // of each item: the elements that it is in, more than one where items cross
  #painted = [];
  #selected = null;
  #document = null;
  #labels = null;

  constructor(element) {
    this.#element = element;
  }

  get document() {
    return this.#document;
  }

  /** Show a document; `paint` has to follow. */
  show(document, labels) {
    this.#document = document;
    this.#labels = labels;
    this.#pieces = document.items.map(() => []);
    this.#painted = document.items.map(() => null);
    this.#selected = null;
    const { text, items } = document;
    const blocks = [];
    let from = 0;
    let taken = 0;
    for (const cut of cuts(text, items)) {
      const spans = [];
      for (; taken < items.length && items[taken].start < cut; taken += 1) {
        spans.push({ item: items[taken], start: items[taken].start, end: items[taken].end });
      }
      const block = make("div", { className: "lines" });
      this.#fill(block, from, cut, spans, labels);
      blocks.push(block);
      from = cut;
    }
    if (!text) blocks.push(make("p", { className: "faint" }, t("empty_text")));
    this.#element.replaceChildren(...blocks);
    this.#element.scrollTop = 0;
  }

  /** Append text [from, to) with the spans in it, the longer around the shorter. */
  #fill(parent, from, to, spans, labels) {
    const { text } = this.#document;
    const left = spans.sort((a, b) => b.start - a.start || a.end - b.end); // the next one last
    let at = from;
    while (left.length) {
      const { item, start, end } = left.pop();
      if (start > at) parent.append(text.slice(at, start));
      const [inside, rest] = [[], []];
      while (left.length && left.at(-1).start < end) {
        const other = left.pop();
        inside.push({ ...other, end: Math.min(other.end, end) });
        if (other.end > end) rest.push({ ...other, start: end });
      }
      const piece = make("span", {
        className: `entity ${labels.colour(item.label)}`,
        "data-item": item.index,
      });
      this.#pieces[item.index].push(piece);
      this.#fill(piece, start, end, inside, labels);
      parent.append(piece);
      if (rest.length) {
        while (left.length && left.at(-1).start === end) rest.push(left.pop());
        left.push(...rest.sort((a, b) => a.end - b.end));
      }
      at = end;
    }
    if (to > at) parent.append(text.slice(at, to));
  }

  /** Bring every entity's look up to date, touching only those that change. */
  paint(choice, labels) {
    let first = null;
    this.#document.items.forEach((item, index) => {
      const shown = choice.shows(item);
      const state = choice.view === "differences" ? choice.state(item) : "";
      if (shown && first === null) first = item;
      const look = shown ? `${state} ${tagOf(item, state, labels, choice)}` : "";
      if (look === this.#painted[index]) return;
      this.#painted[index] = look;
      const pieces = this.#pieces[index];
      pieces.forEach((piece, at) => {
        piece.className = `entity ${labels.colour(item.label)}${shown ? ` on ${state}` : ""}`;
        delete piece.dataset.tag;
        if (shown && at === pieces.length - 1)
          piece.dataset.tag = tagOf(item, state, labels, choice);
        if (shown && at === 0) {
          piece.setAttribute("role", piece.firstElementChild ? "group" : "button");
          piece.tabIndex = -1;
        } else {
          piece.removeAttribute("role");
          piece.removeAttribute("tabindex");
        }
      });
    });
    this.#select(this.#selected && choice.shows(this.#selected) ? this.#selected : null, first);
  }

  /** Mark an item as the one that the card is about; `first` is what Tab leads to without one. */
  #select(item, first) {
    for (const element of this.#element.querySelectorAll(".selected, [tabindex='0']")) {
      element.classList.remove("selected");
      element.removeAttribute("aria-current");
      if (element.hasAttribute("tabindex")) element.tabIndex = -1;
    }
    this.#selected = item;
    for (const piece of item ? this.#pieces[item.index] : []) piece.classList.add("selected");
    const reached = item ?? first;
    if (reached) this.#offer(reached);
    if (item) this.#pieces[item.index][0].setAttribute("aria-current", "true");
  }

  /** Let Tab lead to an item, and a screen reader say of it what others see. */
  #offer(item) {
    const [piece] = this.#pieces[item.index];
    const score = item.score === null ? [] : [percent(item.score)];
    piece.tabIndex = 0;
    piece.setAttribute("aria-description", [this.#labels.name(item.label), ...score].join(", "));
  }

  select(item) {
    this.#select(item, null);
    const [piece] = this.#pieces[item.index];
    piece.focus({ preventScroll: true });
    piece.scrollIntoView({ block: "nearest" });
  }

  deselect(choice) {
    this.#select(null, this.#selected ?? this.#document.items.find((item) => choice.shows(item)));
  }

  focusSelectedOrFirst() {
    this.#element.querySelector("[tabindex='0']")?.focus();
  }

  /** Return the shown item at an element, or null. */
  itemAt(element) {
    const piece = element.closest(".entity.on");
    return piece && this.#element.contains(piece)
      ? this.#document.items[Number(piece.dataset.item)]
      : null;
  }
}

function tagOf(item, state, labels, choice) {
  const letter = (SIGNS[state] ?? "") + labels.letter(item.label);
  const doubtful =
    item.score !== null && item.score < SURE && choice.isPredicted(item) && choice.view !== "gold";
  return doubtful ? `${letter} ${Math.floor(item.score * 100)}` : letter;
}

/** Return where to cut a text into blocks: at line ends, or blanks, that no entity crosses. */
function cuts(text, items) {
  const found = [];
  let next = 0;
  let covered = 0;
  for (let from = 0; text.length - from > BLOCK_CHARACTERS; from = found.at(-1)) {
    let at = breakAfter(text, from, from + BLOCK_CHARACTERS);
    for (; at > 0; at = breakAfter(text, from, at)) {
      for (; next < items.length && items[next].start < at; next += 1) {
        covered = Math.max(covered, items[next].end);
      }
      if (covered <= at) break;
    }
    if (at === 0 || at === text.length) break;
    found.push(at);
  }
  if (text) found.push(text.length);
  return found;
}

/** Return the offset after a line end, or, where the line is very long, after a blank; else 0. */
function breakAfter(text, from, at) {
  const line = text.indexOf("\n", at) + 1;
  if (line > 0 && line - from <= 2 * BLOCK_CHARACTERS) return line;
  return text.indexOf(" ", at) + 1 || line;
}
