// What there is to annotate: the pasted note, files, and gold annotations beside them.

import { Told } from "./told.js";

export const PASTED = "nota";

export class Inputs {
  texts = new Map(); // id -> { id, name, text }
  golds = new Map(); // id -> { id, name, text }

  /** Take files in; return a reason, a key with its values, for each that could not be. */
  async add(files, maxBytes) {
    const refused = [];
    for (const file of files) {
      try {
        const [, id, kind] = /^(.+)\.(txt|ann)$/is.exec(file.name) ?? [];
        if (!id) throw new Told("error_kind", { name: file.name });
        if (file.size > maxBytes) {
          throw new Told("error_file_size", { name: file.name, n: file.size, max: maxBytes });
        }
        const text = await decoded(file);
        const into = kind.toLowerCase() === "txt" ? this.texts : this.golds;
        into.set(id, { id, name: file.name, text });
      } catch (error) {
        if (!(error instanceof Told)) throw error;
        refused.push([error.key, error.values]);
      }
    }
    return refused;
  }

  clear() {
    this.texts.clear();
    this.golds.clear();
  }

  /** Return the documents: files as they are, and the pasted note if it holds anything. */
  documents(pasted) {
    const documents = [...this.texts.values()];
    if (pasted.trim()) {
      let id = PASTED;
      for (let n = 2; this.texts.has(id); n += 1) id = `${PASTED}-${n}`;
      documents.push({ id, name: id, text: pasted.toWellFormed() });
    }
    return documents;
  }

  /** Return the document's gold: that of its name, or the only one there is for the only document. */
  goldOf(id, documents) {
    const only =
      documents.length === 1 && this.golds.size === 1 ? [...this.golds.values()][0] : null;
    return this.golds.get(id) ?? only;
  }
}

/** Return the file's text exactly: line ends and byte-order mark stay, anything but UTF-8 is refused. */
async function decoded(file) {
  let bytes;
  try {
    bytes = await file.arrayBuffer();
  } catch {
    throw new Told("error_read", { name: file.name });
  }
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new Told("error_utf8", { name: file.name });
  }
}
