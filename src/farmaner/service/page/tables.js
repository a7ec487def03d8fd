// The table of concepts, which sorts, and that of the comparison with gold.

import { make } from "./dom.js";
import { letter } from "./details.js";
import { chosenLanguage, number, percent, t } from "./strings.js";

const ROWS = 100;

const COLUMNS = [
  ["concept", "concept", (a, b) => collate(a.name, b.name)],
  ["label", "label", (a, b) => collate(a.label, b.label)],
  ["count", "count", (a, b) => a.count - b.count],
  ["documents", "n_documents_short", (a, b) => a.documents.length - b.documents.length],
  ["score", "best_score", (a, b) => (a.score ?? 0) - (b.score ?? 0)],
];

const collate = (a, b) =>
  a.localeCompare(b, chosenLanguage(), { sensitivity: "base", numeric: true });

export class ConceptTable {
  #element;
  #by = "count";
  #descending = true;
  #rows = ROWS;
  #state = null;

  constructor(element) {
    this.#element = element;
  }

  /** Show groups of `groupByConcept`; `go` is told which item to lead to. */
  show(groups, labels, go, { severalDocuments }) {
    this.#state = { groups, labels, go, severalDocuments };
    this.#rows = ROWS;
    this.#draw();
  }

  /** The groups in the order in which they stand. */
  get sorted() {
    const compare = COLUMNS.find(([name]) => name === this.#by)[2];
    const sign = this.#descending ? -1 : 1;
    return [...this.#state.groups].sort((a, b) => sign * compare(a, b) || collate(a.name, b.name));
  }

  #draw() {
    const { groups, severalDocuments } = this.#state;
    if (!groups.length) {
      this.#element.replaceChildren(make("p", { className: "faint" }, t("no_concepts")));
      return;
    }
    const columns = COLUMNS.filter(([name]) => severalDocuments || name !== "documents");
    const head = make("tr", {}, ...columns.map((column) => this.#heading(column)));
    const sorted = this.sorted;
    const body = make("tbody", {}, ...sorted.slice(0, this.#rows).map((group) => this.#row(group)));
    const table = make("table", { className: "concepts" }, make("thead", {}, head), body);
    this.#element.replaceChildren(table);
    const n = Math.min(ROWS, sorted.length - this.#rows);
    if (n <= 0) return;
    const more = () => {
      this.#rows += ROWS;
      this.#draw();
    };
    this.#element.append(make("button", { type: "button", onclick: more }, t("more_rows", { n })));
  }

  #heading([name, key]) {
    const sort = () => {
      this.#descending =
        this.#by === name ? !this.#descending : ["count", "documents", "score"].includes(name);
      this.#by = name;
      this.#draw();
      this.#element.querySelector(`[data-sort="${name}"]`).focus();
    };
    const mark = this.#by === name ? (this.#descending ? " ↓" : " ↑") : "";
    const button = make(
      "button",
      { type: "button", onclick: sort },
      t(key),
      make("span", { "aria-hidden": "true" }, mark),
    );
    button.dataset.sort = name;
    const heading = make("th", { scope: "col", className: name }, button);
    if (mark) heading.setAttribute("aria-sort", this.#descending ? "descending" : "ascending");
    return heading;
  }

  #row(group) {
    const { labels, go, severalDocuments } = this.#state;
    let turn = 0;
    const lead = () => go(group.items[turn++ % group.items.length]);
    const name = make(
      "button",
      { type: "button", className: "link", lang: "es", onclick: lead },
      group.name,
    );
    const others = group.surfaces.filter((surface) => collate(surface, group.name) !== 0);
    const concept = make("th", { scope: "row", className: "concept" }, name);
    if (others.length)
      concept.append(make("span", { className: "surfaces", lang: "es" }, others.join(" · ")));
    if (group.code) concept.append(make("span", { className: "mono faint" }, group.code));
    const label = make(
      "td",
      { className: "label" },
      letter(labels, group.label),
      make("span", { className: "name" }, labels.name(group.label)),
    );
    const cells = [concept, label, make("td", {}, number(group.count))];
    if (severalDocuments)
      cells.push(make("td", { className: "documents" }, documentsOf(group, go)));
    return make("tr", {}, ...cells, make("td", { className: "score" }, percent(group.score)));
  }
}

/** The number of documents; opened, their names, each leading to the concept's place there. */
function documentsOf(group, go) {
  const names = group.documents.map((document) => {
    const lead = () => go(group.items.find((item) => item.document === document));
    return make("button", { type: "button", className: "link", onclick: lead }, document.name);
  });
  return make(
    "details",
    {},
    make("summary", {}, number(group.documents.length)),
    make("span", { className: "stack" }, ...names),
  );
}

/** Return the table of `compare`: counts, and figures derived from them. */
export function comparisonTable({ labels: rows, all }, labels) {
  const counts = ["gold", "found", "missed", "spurious"];
  const ratios = ["precision", "recall", "f1"];
  const heads = ["label", ...counts, ...ratios].map((key) => make("th", { scope: "col" }, t(key)));
  const row = (name, figures) =>
    make(
      "tr",
      {},
      make("th", { scope: "row" }, ...name),
      ...counts.map((key) => make("td", { "data-figure": key }, number(figures[key]))),
      ...ratios.map((key) => make("td", { "data-figure": key }, percent(figures[key]))),
    );
  const body = rows.map((each) =>
    row(
      [letter(labels, each.label), make("span", { className: "name" }, labels.name(each.label))],
      each,
    ),
  );
  return make(
    "table",
    { className: "comparison" },
    make("thead", {}, make("tr", {}, ...heads)),
    make("tbody", {}, ...body),
    make("tfoot", {}, row([t("all")], all)),
  );
}
