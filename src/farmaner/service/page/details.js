// The card of one entity.

import { make } from "./dom.js";
import { NULL_CODE } from "./entities.js";
import { number, percent, t } from "./strings.js";

/** Return what the card of `item` holds; `around` are the items shown at its place. */
export function card(item, { labels, around, same, state, linked, go, close, copy }) {
  const head = make(
    "div",
    { className: "card-head" },
    make("h3", { id: "details-title", lang: "es" }, item.text),
    button("×", t("close"), close, "close"),
  );
  const rows = [
    [
      t("label"),
      make(
        "span",
        {},
        letter(labels, item.label),
        ` ${labels.name(item.label)} `,
        raw(labels, item.label),
      ),
    ],
    ...(state ? [[t("comparison_state"), t(`state_${state}`)]] : []),
    [t("score"), item.score === null ? t("no_score") : meter(item.score)],
    ...codeRows(item, linked, copy),
    [
      t("place"),
      t("place_value", {
        start: number(item.first),
        end: number(item.last),
        document: item.document.name,
      }),
    ],
  ];
  if (item.gold?.code && item.gold.code !== item.predicted?.code && item.predicted) {
    rows.push([t("gold_code"), make("span", { className: "mono" }, item.gold.code)]);
  }
  if (around.length)
    rows.push([
      t("also_here"),
      make("span", { className: "stack" }, ...around.map((other) => aside(other, labels, go))),
    ]);
  const list = make(
    "dl",
    {},
    ...rows.map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value))),
  );
  return [head, list, occurrences(item, same, go)];
}

function codeRows(item, linked, copy) {
  const { concept } = item;
  if (!concept)
    return [
      [t("code"), make("span", { className: "faint" }, linked ? t("no_code") : t("not_linked"))],
    ];
  if (concept.code === NULL_CODE)
    return [[t("code"), make("span", { className: "faint" }, t("null_code"))]];
  const rows = [
    [
      t("code"),
      make(
        "span",
        { className: "code" },
        make("span", { className: "mono" }, concept.code),
        copier(concept.code, copy),
      ),
    ],
  ];
  if (concept.term) rows.push([t("term"), make("span", { lang: "es" }, concept.term)]);
  if (concept.score !== null) rows.push([t("code_score"), meter(concept.score)]);
  return rows;
}

/** A button that copies a code and then says, by its sign, whether that was allowed. */
function copier(code, copy) {
  const element = button(
    "⧉",
    t("copy_code"),
    async () => {
      element.textContent = (await copy(code)) ? "✓" : "!";
    },
    "small",
  );
  return element;
}

function occurrences(item, same, go) {
  const at = same.indexOf(item);
  const step = (by) => () => go(same.at((at + by) % same.length));
  const [previous, next] = [
    button("‹", t("previous_same"), step(-1), "arrow"),
    button("›", t("next_same"), step(1), "arrow"),
  ];
  const text = make("span", {}, t("same_concept", { n: same.length }));
  return make("p", { className: "same" }, ...(same.length > 1 ? [previous, text, next] : [text]));
}

const aside = (item, labels, go) =>
  make(
    "button",
    { type: "button", className: "link", lang: "es", onclick: () => go(item) },
    `${item.text} · ${labels.letter(item.label)}`,
  );

function meter(score) {
  const bar = make("meter", { min: 0, max: 1, value: score });
  bar.setAttribute("aria-hidden", "true");
  return make("span", { className: "score" }, percent(score), bar);
}

const button = (text, label, onclick, className) =>
  make("button", { type: "button", className, "aria-label": label, title: label, onclick }, text);

export function swatch(labels, label) {
  const sample = make(
    "span",
    { className: `entity on sample ${labels.colour(label)}`, "aria-hidden": "true" },
    "abc",
  );
  sample.dataset.tag = labels.letter(label);
  return sample;
}

/** The label's letter, as a mark of its own. */
export const letter = (labels, label) =>
  make(
    "span",
    { className: `entity on sample letter ${labels.colour(label)}`, "aria-hidden": "true" },
    labels.letter(label),
  );

/** The label as the model calls it, where the page has another name for it. */
export const raw = (labels, label) =>
  labels.name(label) === label
    ? null
    : make("span", { className: "faint raw" }, label.replaceAll("_", "_\u200b"));
