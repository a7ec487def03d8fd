// The result: text, filters, card, tables and downloads, all from one choice of what to see.

import { clipboard, save } from "./browser.js";
import { card, raw, swatch } from "./details.js";
import { byId, fill, make } from "./dom.js";
import { Choice, STATES, compare, conceptKey, groupByConcept } from "./entities.js";
import { copied, download } from "./exports.js";
import { number, percent, t } from "./strings.js";
import { ConceptTable, comparisonTable } from "./tables.js";
import { SIGNS, TextView } from "./text.js";
import { tell } from "./told.js";

export class Reader {
  #run = null;
  #labels = null;
  #choice = new Choice();
  #text = new TextView(byId("text"));
  #table = new ConceptTable(byId("concepts"));
  #selected = null;
  #frame = 0;

  constructor() {
    this.#listenToText();
    this.#listenToFilters();
    byId("filters").open = matchMedia("(min-width: 60.01rem)").matches; // folded where room is short
    byId("document").addEventListener("change", (event) =>
      this.#open(this.#run.documents[event.target.value]),
    );
    byId("previous-document").addEventListener("click", () => this.#turn(-1));
    byId("next-document").addEventListener("click", () => this.#turn(1));
    byId("format").addEventListener("change", () => this.#describeFormat());
    byId("download").addEventListener("click", () => this.#download());
    byId("copy").addEventListener("click", () => this.#copy(this.#content(copied)));
  }

  /** Show what an annotation gave: `{ model, linked, documents, notices }`. */
  show(run, labels) {
    const last = this.#text.document;
    this.#run = run;
    this.#labels = labels;
    this.#selected = null;
    this.#choice.view = run.documents.some((each) => each.gold) ? "differences" : "predicted";
    byId("results").hidden = false;
    byId("documents").hidden = run.documents.length < 2;
    this.#text.show(run.documents.find((each) => each.id === last?.id) ?? run.documents[0], labels);
    this.translate();
  }

  hide() {
    byId("results").hidden = true;
    this.#run = null;
  }

  /** Draw everything anew, in the language that is now chosen. */
  translate() {
    if (!this.#run) return;
    const options = this.#run.documents.map((each, index) =>
      make("option", { value: index }, each.name),
    );
    byId("document").replaceChildren(...options);
    this.#drawLegend();
    for (const radio of document.getElementsByName("view"))
      radio.checked = radio.value === this.#choice.view;
    this.#describeFormat();
    this.#refresh();
    this.#drawCard();
  }

  #refresh() {
    const { documents } = this.#run;
    const current = this.#text.document;
    this.#text.paint(this.#choice, this.#labels);
    const at = documents.indexOf(current);
    byId("document").value = at;
    byId("document-place").textContent = t("document_place", { i: at + 1, n: documents.length });
    byId("threshold-value").textContent = percent(this.#choice.threshold, 0);
    const items = documents.flatMap((each) => each.items);
    const shown = items.filter((item) => this.#choice.shows(item));
    this.#summarize(items, shown);
    this.#count(items);
    this.#table.show(groupByConcept(shown), this.#labels, (item) => this.#go(item), {
      severalDocuments: documents.length > 1,
    });
    this.#compare();
    for (const wide of document.querySelectorAll(".wide")) {
      if (wide.scrollWidth > wide.clientWidth)
        wide.tabIndex = 0; // the keyboard can scroll it too
      else wide.removeAttribute("tabindex");
    }
    if (this.#selected && !this.#choice.shows(this.#selected)) this.#close();
  }

  #summarize(items, shown) {
    const documents = t("n_documents", { n: this.#run.documents.length });
    const key = shown.length === items.length ? "summary" : "summary_of";
    byId("summary").textContent = items.length
      ? t(key, { n: shown.length, all: items.length, documents })
      : t("nothing_found", { documents });
    byId("concepts-hint").textContent = t("concepts_hint");
    fill(
      byId("notices"),
      this.#run.notices.map((notice) => make("li", {}, tell(notice))),
    );
  }

  /** Write beside each filter how many it is about, at the threshold and in the view chosen. */
  #count(items) {
    const [labels, states] = [new Map(), new Map()];
    const without = Object.assign(new Choice(), this.#choice, { hiddenLabels: new Set() });
    for (const item of items) {
      if (without.shows(item)) labels.set(item.label, (labels.get(item.label) ?? 0) + 1);
      const state = item.document.gold ? this.#choice.state(item) : null;
      states.set(state, (states.get(state) ?? 0) + 1);
    }
    for (const element of byId("labels").querySelectorAll("[data-label]")) {
      element.textContent = number(labels.get(element.dataset.label) ?? 0);
    }
    for (const element of byId("states").querySelectorAll("[data-count]")) {
      element.textContent = number(states.get(element.dataset.count) ?? 0);
    }
    byId("view").hidden = !this.#run.documents.some((each) => each.gold);
    const differences = this.#choice.view === "differences";
    byId("states").hidden = !differences;
    byId("brief").textContent = differences
      ? STATES.map(
          (state) => `${SIGNS[state]}\u00a0${t(state)}\u00a0${number(states.get(state) ?? 0)}`,
        ).join(" · ")
      : [...labels]
          .map(
            ([label, n]) =>
              `${this.#labels.letter(label)} ${this.#labels.name(label)} ${number(n)}`,
          )
          .join(" · ");
  }

  #compare() {
    const compared = this.#run.documents.filter((each) => each.gold);
    byId("comparison").hidden = compared.length === 0;
    if (!compared.length) return;
    byId("comparison-table").replaceChildren(
      comparisonTable(compare(compared, this.#choice), this.#labels),
    );
    if (compared.length === this.#run.documents.length) return;
    const partial = t("comparison_partial", {
      n: compared.length,
      all: this.#run.documents.length,
    });
    byId("comparison-table").append(make("p", { className: "faint" }, partial));
  }

  #drawLegend() {
    const rows = this.#labels.all.map((label) => {
      const box = make("input", {
        type: "checkbox",
        name: "label",
        value: label,
        checked: !this.#choice.hiddenLabels.has(label),
      });
      const name = make(
        "span",
        { className: "name" },
        this.#labels.name(label),
        raw(this.#labels, label),
      );
      const count = make("span", { className: "count" });
      count.dataset.label = label;
      return make("label", { className: "check" }, box, swatch(this.#labels, label), name, count);
    });
    byId("labels").replaceChildren(byId("labels").firstElementChild, ...rows);
  }

  #listenToFilters() {
    byId("filters").addEventListener("input", (event) => {
      const { name, value, checked, id } = event.target;
      const toggle = (hidden) => (checked ? hidden.delete(value) : hidden.add(value));
      if (name === "label") toggle(this.#choice.hiddenLabels);
      if (name === "state") toggle(this.#choice.hiddenStates);
      if (name === "view") this.#choice.view = value;
      if (id === "threshold") this.#choice.threshold = Number(value) / 100;
      cancelAnimationFrame(this.#frame);
      this.#frame = requestAnimationFrame(() => this.#refresh());
    });
  }

  #listenToText() {
    const element = byId("text");
    element.addEventListener("click", (event) => {
      if (!getSelection().isCollapsed) return; // someone is copying text
      const item = this.#text.itemAt(event.target);
      if (item) this.#go(item);
    });
    element.addEventListener("keydown", (event) => {
      const item = this.#text.itemAt(event.target);
      if (!item || event.ctrlKey || event.altKey || event.metaKey) return;
      const shown = this.#text.document.items.filter((each) => this.#choice.shows(each));
      const at = shown.indexOf(item);
      const to = {
        ArrowRight: shown[at + 1],
        ArrowLeft: shown[at - 1],
        Home: shown[0],
        End: shown.at(-1),
        Enter: item,
        " ": item,
      };
      if (event.key === "Escape") this.#close();
      else if (event.key in to) this.#go(to[event.key] ?? item);
      else return;
      event.preventDefault();
    });
    byId("details").addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.#close({ focus: true });
    });
  }

  #open(document) {
    this.#close();
    this.#text.show(document, this.#labels);
    this.#refresh();
  }

  #turn(by) {
    const { documents } = this.#run;
    this.#open(documents.at((documents.indexOf(this.#text.document) + by) % documents.length));
  }

  /** Lead to an item, wherever it is, and open its card. */
  #go(item) {
    if (item.document !== this.#text.document) this.#open(item.document);
    this.#selected = item;
    this.#drawCard();
    this.#text.select(item);
  }

  #drawCard() {
    const item = this.#selected;
    byId("details").hidden = !item;
    byId("details-hint").hidden = Boolean(item);
    if (!item) return;
    const shown = this.#run.documents
      .flatMap((each) => each.items)
      .filter((each) => this.#choice.shows(each));
    const around = shown.filter(
      (other) =>
        other !== item &&
        other.document === item.document &&
        other.start < item.end &&
        item.start < other.end,
    );
    const same = shown.filter((other) => conceptKey(other) === conceptKey(item));
    const state = item.document.gold ? this.#choice.state(item) : null;
    const content = card(item, {
      labels: this.#labels,
      around,
      same,
      state,
      linked: this.#run.linked,
      go: (other) => this.#go(other),
      close: () => this.#close({ focus: true }),
      copy: (code) => this.#copy(code),
    });
    byId("details").replaceChildren(...content);
  }

  #close({ focus = false } = {}) {
    if (!this.#selected) return;
    this.#selected = null;
    this.#text.deselect(this.#choice);
    this.#drawCard();
    if (focus) this.#text.focusSelectedOrFirst();
  }

  get #format() {
    return document.querySelector("input[name=format]:checked").value;
  }

  #describeFormat() {
    byId("format-hint").textContent = t(`format_hint_${this.#format}`);
    byId("copied").textContent = "";
  }

  #content(make_) {
    const picked = this.#run.documents.map((each) => ({
      document: each,
      items: each.items.filter((item) => this.#choice.exports(item)),
    }));
    const { model } = this.#run;
    const [labels, groups] = [this.#labels.all, this.#table.sorted];
    return make_(this.#format, picked, { model, labels, groups, current: this.#text.document });
  }

  #download() {
    save(...this.#content(download));
  }

  async #copy(text) {
    const done = await clipboard(text);
    byId("copied").textContent = t(done ? "copied" : "not_copied");
    return done;
  }
}
