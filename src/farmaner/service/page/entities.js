// What prediction and gold say of a document, and which of it is shown.

import { codePointCounter, countCodePoints } from "./offsets.js";

export const UNSCORED = "UNCLEAR"; // dropped by the task's rules, as `farmaner evaluate` does
export const NULL_CODE = "<null>";
export const STATES = ["found", "missed", "spurious"];

/**
 * Return one item for each (label, start, end) that either side has, in order of place.
 *
 * `start` and `end` count UTF-16 units, `first` and `last` code points.
 */
export function buildItems(document, gold = []) {
  const items = new Map();
  const add = (entity, side) => {
    const key = `${entity.start} ${entity.end} ${entity.label}`;
    const item = items.get(key) ?? {
      document,
      label: entity.label,
      start: entity.start,
      end: entity.end,
    };
    if (item[side]) return;
    items.set(key, Object.assign(item, { [side]: entity }));
  };
  for (const entity of document.entities) add(entity, "predicted");
  for (const entity of gold) add(entity, "gold");
  const ordered = [...items.values()].sort(
    (a, b) =>
      a.start - b.start || a.end - b.end || (a.label < b.label ? -1 : Number(a.label > b.label)),
  );
  const pointAt = codePointCounter(document.text);
  return ordered.map((item, index) => {
    const text = document.text.slice(item.start, item.end);
    const first = pointAt(item.start);
    const last = first + countCodePoints(text);
    const concept = conceptOf(item.predicted) ?? conceptOf(item.gold);
    return { ...item, index, first, last, text, score: item.predicted?.score ?? null, concept };
  });
}

function conceptOf(entity) {
  if (!entity?.code) return null;
  return { code: entity.code, score: entity.code_score ?? null, term: entity.term ?? null };
}

/** What the reader chose to see: all of it where nothing was chosen. */
export class Choice {
  threshold = 0;
  view = "predicted"; // or "gold", "differences"
  hiddenLabels = new Set();
  hiddenStates = new Set();

  isPredicted(item) {
    return Boolean(item.predicted) && (item.score ?? 1) >= this.threshold;
  }

  /** Return found, missed, spurious or unscored; null where neither side has it at this threshold. */
  state(item) {
    const predicted = this.isPredicted(item);
    if (!predicted && !item.gold) return null;
    if (item.label === UNSCORED) return "unscored";
    if (predicted) return item.gold ? "found" : "spurious";
    return "missed";
  }

  shows(item) {
    if (this.hiddenLabels.has(item.label)) return false;
    if (this.view === "predicted") return this.isPredicted(item);
    if (this.view === "gold") return Boolean(item.gold);
    const state = this.state(item);
    return state !== null && item.document.gold !== null && !this.hiddenStates.has(state);
  }

  exports(item) {
    return this.isPredicted(item) && !this.hiddenLabels.has(item.label);
  }
}

/** Return for each label, and for all, how many gold has, were found, missed, and are spurious. */
export function compare(documents, choice) {
  const rows = new Map();
  const all = { gold: 0, found: 0, missed: 0, spurious: 0 };
  for (const item of documents.filter((each) => each.gold).flatMap((each) => each.items)) {
    const state = choice.state(item);
    if (!STATES.includes(state)) continue;
    if (!rows.has(item.label)) rows.set(item.label, { gold: 0, found: 0, missed: 0, spurious: 0 });
    for (const row of [rows.get(item.label), all]) {
      row[state] += 1;
      row.gold += state === "spurious" ? 0 : 1;
    }
  }
  const sorted = [...rows].sort(([a], [b]) => (a < b ? -1 : 1));
  return { labels: sorted.map(([label, row]) => ({ label, ...figures(row) })), all: figures(all) };
}

function figures(row) {
  const ratio = (n, of) => (of ? n / of : null);
  const precision = ratio(row.found, row.found + row.spurious);
  const recall = ratio(row.found, row.gold);
  return {
    ...row,
    precision,
    recall,
    f1: ratio(2 * row.found, row.gold + row.found + row.spurious),
  };
}

/**
 * Return the items in groups of one concept: label with code, or with the name, case folded.
 *
 * A group is called by its term, else by its most frequent surface.
 */
export function groupByConcept(items) {
  const groups = new Map();
  for (const item of items) {
    const key = conceptKey(item);
    if (!groups.has(key))
      groups.set(key, {
        key,
        label: item.label,
        code: codeOf(item),
        items: [],
        surfaces: new Map(),
      });
    const group = groups.get(key);
    group.items.push(item);
    group.surfaces.set(item.text, (group.surfaces.get(item.text) ?? 0) + 1);
  }
  return [...groups.values()].map((group) => {
    const surfaces = [...group.surfaces].sort((a, b) => b[1] - a[1]).map(([surface]) => surface);
    const scores = group.items.map((item) => item.score).filter((score) => score !== null);
    return {
      ...group,
      surfaces,
      name: group.items.find((item) => item.concept?.term)?.concept.term ?? surfaces[0],
      count: group.items.length,
      documents: [...new Set(group.items.map((item) => item.document))],
      score: scores.length ? scores.reduce((a, b) => Math.max(a, b)) : null,
    };
  });
}

export const conceptKey = (item) => `${item.label}\t${codeOf(item) ?? folded(item.text)}`;

/** The item's code where it names a concept: `<null>` names none. */
const codeOf = (item) =>
  item.concept && item.concept.code !== NULL_CODE ? item.concept.code : null;

const folded = (name) => name.normalize("NFC").replace(/\s+/gu, " ").toLocaleLowerCase("es");
