// What can be copied and downloaded. Offsets count code points.

import { formatAnn } from "./brat.js";
import { zipped } from "./zip.js";

const BOM = "\ufeff"; // by it spreadsheets know the file for UTF-8
const FORMULA = /^[=+\-@\t\r\n＝＋－＠]/;
const NO_OTHERS = "\n[relations]\n\n[events]\n\n[attributes]\n"; // what brat expects of annotation.conf
const ENTITY_COLUMNS = [
  "document",
  "label",
  "start",
  "end",
  "text",
  "score",
  "code",
  "code_score",
  "term",
];
const TABLE_COLUMNS = ["concept", "code", "label", "count", "documents", "names", "document_ids"];

/** Return name, MIME type and content of the download; `picked` has each document's items. */
export function download(format, picked, { model, labels, groups }) {
  if (format === "json") return ["farmaner.json", "application/json", asJson(picked, model)];
  if (format === "csv") return ["farmaner.csv", "text/csv", BOM + entitiesAsCsv(picked)];
  if (format === "table") return ["farmaner-concepts.csv", "text/csv", BOM + groupsAsCsv(groups)];
  if (picked.length === 1) {
    return [`${picked[0].document.id}.ann`, "text/plain", formatAnn(picked[0].items)];
  }
  const files = picked.flatMap(({ document, items }) => [
    [`${document.id}.txt`, document.text],
    [`${document.id}.ann`, formatAnn(items)],
  ]);
  files.push([
    "annotation.conf",
    `[entities]\n${labels.map((label) => `${label}\n`).join("")}${NO_OTHERS}`,
  ]);
  return ["farmaner-brat.zip", "application/zip", zipped(files)];
}

/** Return the text to copy; of brat that is the document in view. */
export function copied(format, picked, { model, groups, current }) {
  if (format === "json") return asJson(picked, model);
  if (format === "csv") return entitiesAsCsv(picked);
  if (format === "table") return groupsAsCsv(groups);
  return formatAnn(picked.find(({ document }) => document === current).items);
}

function asJson(picked, model) {
  const documents = picked.map(({ document, items }) => ({
    id: document.id,
    text: document.text,
    entities: items.map((item) => ({ ...item.predicted, start: item.first, end: item.last })),
  }));
  return `${JSON.stringify({ model, offsets: "codepoints", documents }, null, 2)}\n`;
}

function entitiesAsCsv(picked) {
  const rows = picked.flatMap(({ document, items }) =>
    items.map(({ label, first, last, text, predicted: { score, code, code_score, term } }) => [
      document.id,
      label,
      first,
      last,
      text,
      score,
      code,
      code_score,
      term,
    ]),
  );
  return asCsv([ENTITY_COLUMNS, ...rows]);
}

function groupsAsCsv(groups) {
  const rows = groups.map((group) => {
    const ids = group.documents.map(({ id }) => id);
    return [
      group.name,
      group.code,
      group.label,
      group.count,
      ids.length,
      group.surfaces.join("; "),
      ids.join("; "),
    ];
  });
  return asCsv([TABLE_COLUMNS, ...rows]);
}

/** Rows as RFC 4180 has them; text that a spreadsheet would run as a formula gets an apostrophe. */
const asCsv = (rows) => rows.map((row) => `${row.map(field).join(",")}\r\n`).join("");

function field(value) {
  if (typeof value !== "string") return value === null || value === undefined ? "" : String(value);
  const safe = FORMULA.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
