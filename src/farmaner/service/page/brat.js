// brat standoff (brat.nlplab.org/standoff.html), read and written as farmaner does.

const BREAKS = /[\t\n\v\f\r\x1c-\x1e\x85\u2028\u2029]/g;
const ENTITY = /^T\d+\S*$/;
const PLACE = /^(\S+) (\d{1,15} \d{1,15}(?:;\d{1,15} \d{1,15})*)$/;
const NOTE = /^#\d*\tAnnotatorNotes (T\d+\S*)\t(.*)$/s;
const OTHER_KINDS = "ERAMN*#";

const flatten = (surface) => surface.replace(BREAKS, " ");

/** Return the `.ann` of predicted items, in order of place, with code-point offsets. */
export function formatAnn(items) {
  let [lines, notes] = ["", 0];
  items.forEach((item, index) => {
    lines += `T${index + 1}\t${item.label} ${item.first} ${item.last}\t${flatten(item.text)}\n`;
    const code = item.predicted.code;
    if (code) lines += `#${(notes += 1)}\tAnnotatorNotes T${index + 1}\t${code}\n`;
  });
  return lines;
}

/**
 * Read an `.ann` as entities of `text`, offsets in UTF-16 units.
 *
 * Offsets are code points as written or, where that fits more of the entities, counted in the
 * way that fits most: CR LF as one, without the byte-order mark, in UTF-16 units. Nothing is
 * dropped in silence: `notices` name every line that is not compared and every entity that moved.
 */
export function readAnn(ann, text, name) {
  const { entities, notices } = parse(ann, name);
  const whole = entities.filter((entity) => entity.spans.length === 1);
  const torn = entities.filter((entity) => entity.spans.length > 1);
  const best = { reasons: [], placed: [] };
  for (const reasons of countings(text)) {
    const placed = place(text, whole, reasons);
    if (reasons.length === 0 || placed.size > best.placed.size)
      Object.assign(best, { reasons, placed });
    if (placed.size === whole.length) break;
  }
  const asWritten = best.reasons.length ? place(text, whole, []) : best.placed;
  const found = whole
    .map((entity) => best.placed.get(entity) ?? asWritten.get(entity))
    .filter(Boolean);
  const lost = whole.filter((entity) => !best.placed.has(entity) && !asWritten.has(entity));
  const listed = (some) => ({
    name,
    n: some.length,
    lines: some.map((each) => each.line).join(", "),
  });
  if (best.reasons.length)
    notices.push(["gold_counted", { name, n: best.placed.size, reasons: best.reasons }]);
  if (torn.length) notices.push(["gold_discontinuous", listed(torn)]);
  if (lost.length) notices.push(["gold_place", listed(lost)]);
  return { entities: found, notices };
}

function parse(ann, name) {
  const [entities, notices, codes] = [[], [], new Map()];
  ann
    .replace(/^\ufeff/, "")
    .split("\n")
    .forEach((raw, index) => {
      const line = raw.replace(/\r$/, "");
      if (!line.trim()) return;
      const [id, middle = "", ...rest] = line.split("\t");
      const note = NOTE.exec(line);
      const where = PLACE.exec(middle);
      if (note) {
        if (!codes.has(note[1])) codes.set(note[1], note[2].trim());
      } else if (ENTITY.test(id) && where && rest.length) {
        const spans = where[2].split(";").map((pair) => pair.split(" ").map(Number));
        entities.push({ id, line: index + 1, label: where[1], spans, surface: rest.join("\t") });
      } else if (!(OTHER_KINDS.includes(line[0]) && line.includes("\t"))) {
        notices.push(["gold_line", { name, line: String(index + 1) }]);
      }
    });
  for (const entity of entities) entity.code = codes.get(entity.id);
  return { entities, notices };
}

/** Return every way to count this text that may differ from code points, the plain one first. */
function countings(text) {
  const possible = [
    ["crlf", text.includes("\r\n")],
    ["bom", text.startsWith("\ufeff")],
    ["utf16", /[\u{10000}-\u{10ffff}]/u.test(text)],
  ].flatMap(([reason, applies]) => (applies ? [reason] : []));
  return possible
    .reduce((ways, reason) => [...ways, ...ways.map((way) => [...way, reason])], [[]])
    .sort((a, b) => a.length - b.length);
}

/** Return the entities whose surface is where their offsets point, counted that way. */
function place(text, entities, reasons) {
  const units = unitsOf(
    text,
    entities.flatMap(({ spans }) => spans[0]),
    reasons,
  );
  const placed = new Map();
  for (const entity of entities) {
    const [start, end] = entity.spans[0].map((offset) => units.get(offset));
    if (start === undefined || end === undefined || start >= end) continue;
    if (same(entity.surface, text.slice(start, end))) {
      placed.set(entity, { label: entity.label, start, end, code: entity.code });
    }
  }
  return placed;
}

/** Return the UTF-16 offset of each wanted offset that the counting has. */
function unitsOf(text, wanted, reasons) {
  const [crlf, bom, utf16] = ["crlf", "bom", "utf16"].map((reason) => reasons.includes(reason));
  const left = [...new Set(wanted)].sort((a, b) => b - a);
  const units = new Map();
  let [unit, count] = [0, 0];
  while (left.length) {
    const next = left[left.length - 1];
    if (count >= next) {
      if (count === next) units.set(next, unit);
      left.pop();
      continue;
    }
    if (unit >= text.length) break;
    const wide = text.codePointAt(unit) > 0xffff;
    const counted = !(crlf && text.startsWith("\r\n", unit)) && !(bom && unit === 0);
    count += counted ? (wide && utf16 ? 2 : 1) : 0;
    unit += wide ? 2 : 1;
  }
  return units;
}

/** Whether a surface column is that of the text found: brat writes line ends as spaces. */
function same(surface, found) {
  const flat = flatten(surface);
  return flat === flatten(found) || flat === flatten(found.replace(/\r\n/g, "\n"));
}
