// The service: what it can do, and annotating documents within its limits.

import { countCodePoints, isBoundary } from "./offsets.js";
import { Told } from "./told.js";

const MAX_TRIES = 4;
const LONGEST_WAIT_SECONDS = 30;
const ENVELOPE_BYTES = 256; // what surrounds the documents in a request
const BATCH_DOCUMENTS = 20; // small enough to show progress and to be cancelled
const BATCH_CHARACTERS = 50_000;

export class Service {
  #token = null; // in memory only
  info = null;

  useToken(token) {
    this.#token = token;
  }

  get usesToken() {
    return this.#token !== null;
  }

  async loadInfo() {
    this.info = await this.#request("v1/info", {});
  }

  /** Return the documents that one request each can take, and a reason for each of the others. */
  within(documents) {
    const limits = this.info.limits;
    const [fitting, refused] = [[], []];
    for (const each of documents) {
      const n = countCodePoints(each.text);
      const bytes = sizeOf(each);
      if (n > limits.max_chars) {
        refused.push(["error_chars", { name: each.name, n, max: limits.max_chars }]);
      } else if (bytes + ENVELOPE_BYTES > limits.max_body_bytes) {
        refused.push(["error_body", { name: each.name, max: limits.max_body_bytes }]);
      } else {
        fitting.push({ ...each, n, bytes });
      }
    }
    return { fitting, refused };
  }

  /** Yield the annotated documents batch by batch; `waiting` is told of each pause. */
  async *annotate(documents, { link, signal, waiting }) {
    for (const batch of this.#batches(documents)) {
      const body = { documents: batch.map(({ id, text }) => ({ id, text })), offsets: "utf16" };
      if (this.info.linking) body.link = link;
      const answer = await this.#patiently("v1/annotate", body, signal, waiting);
      yield {
        model: answer.model,
        documents: batch.map((each, index) => fitted(each, answer.documents?.[index])),
      };
    }
  }

  #batches(documents) {
    const { max_documents, max_body_bytes, max_chars } = this.info.limits;
    const most = Math.min(max_documents, BATCH_DOCUMENTS);
    const longest = Math.min(max_chars, BATCH_CHARACTERS);
    const batches = [];
    let batch = [];
    let [bytes, chars] = [ENVELOPE_BYTES, 0];
    for (const each of documents) {
      const full =
        batch.length === most || bytes + each.bytes > max_body_bytes || chars + each.n > longest;
      if (batch.length && full) {
        batches.push(batch);
        batch = [];
        [bytes, chars] = [ENVELOPE_BYTES, 0];
      }
      batch.push(each);
      bytes += each.bytes;
      chars += each.n;
    }
    if (batch.length) batches.push(batch);
    return batches;
  }

  async #patiently(path, body, signal, waiting) {
    const options = { method: "POST", body: JSON.stringify(body), signal };
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#request(path, options);
      } catch (error) {
        if (error.values?.status !== 429 || attempt === MAX_TRIES) throw error;
        const seconds = Math.min(
          Math.max(1, error.values.retryAfter || attempt),
          LONGEST_WAIT_SECONDS,
        );
        waiting(seconds);
        await pause(seconds, signal);
      }
    }
  }

  async #request(path, options) {
    const headers = options.body ? { "Content-Type": "application/json" } : {};
    if (this.#token !== null) headers.Authorization = `Bearer ${this.#token}`;
    let response;
    try {
      response = await fetch(path, {
        ...options,
        headers,
        cache: "no-store",
        credentials: "same-origin",
      });
      if (response.ok) return await response.json();
    } catch (error) {
      throw error.name === "AbortError" ? error : new Told("error_network");
    }
    const { status } = response;
    const answer = await response.json().catch(() => ({}));
    const values = {
      status,
      error: answer.error,
      retryAfter: Number(response.headers.get("Retry-After")),
    };
    throw new Told(
      typeof answer.error === "string" ? "error_service" : "error_service_bare",
      values,
    );
  }
}

/** Return the document with its entities; Told where they do not fit its text. */
function fitted({ id, name, text }, answer) {
  const fits = ({ start, end, text: surface }) =>
    text.slice(start, end) === surface &&
    isBoundary(text, start) &&
    isBoundary(text, end) &&
    start < end;
  if (answer?.id !== id || !answer.entities.every(fits)) throw new Told("error_answer", { name });
  return { id, name, text, entities: answer.entities };
}

const sizeOf = ({ id, text }) => new TextEncoder().encode(JSON.stringify({ id, text })).length + 1;

function pause(seconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, seconds * 1000);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}
