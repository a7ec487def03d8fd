// The page from the top: inputs, the request, and where its answer goes.

import { byId, fill, make } from "./dom.js";
import { readAnn } from "./brat.js";
import { buildItems } from "./entities.js";
import { EXAMPLES } from "./examples.js";
import { Inputs } from "./inputs.js";
import { Labels } from "./labels.js";
import { countCodePoints } from "./offsets.js";
import { startPreferences } from "./preferences.js";
import { Reader } from "./reader.js";
import { Service } from "./service.js";
import { number, t } from "./strings.js";
import { Told, tell } from "./told.js";

const service = new Service();
const inputs = new Inputs();
const reader = new Reader();
let running = null; // the AbortController of a request
let answered = null; // { model, linked, documents: [{ id, name, text, entities }] }
let alerts = [];
let progress = null;

const documentsNow = () => inputs.documents(byId("note").value);

function drawSource() {
  const documents = documentsNow();
  const ids = new Set(documents.map(({ id }) => id));
  const only = documents.length === 1 && inputs.golds.size === 1;
  const texts = [...inputs.texts.values()].map((each) =>
    chip(each, t("file_characters", { n: countCodePoints(each.text) }), inputs.texts),
  );
  const golds = [...inputs.golds.values()].map((each) =>
    chip(each, t(ids.has(each.id) || only ? "file_gold" : "file_gold_alone"), inputs.golds),
  );
  fill(byId("files"), [...texts, ...golds]);
  byId("annotate").textContent = t("annotate", { n: Math.max(1, documents.length) });
  byId("annotate").disabled = running !== null;
  byId("cancel").hidden = running === null;
  byId("clear").hidden = !documents.length && !inputs.golds.size;
  const characters = documents.reduce((sum, { text }) => sum + text.length, 0);
  byId("source-summary").textContent = documents.length
    ? t("source_summary", { n: documents.length, characters: number(characters) })
    : "";
}

function chip({ id, name }, what, from) {
  const remove = () => {
    from.delete(id);
    changedInputs();
    byId("choose").focus();
  };
  const label = t("remove_file", { name });
  return make(
    "li",
    {},
    make("span", { className: "file-name" }, name),
    make("span", { className: "faint" }, what),
    make(
      "button",
      { type: "button", className: "close", "aria-label": label, title: label, onclick: remove },
      "×",
    ),
  );
}

function drawRest() {
  byId("privacy-text").textContent = t("privacy", { host: location.host });
  fill(
    byId("alert"),
    alerts.map((alert) => make("p", {}, tell(alert))),
  );
  fill(byId("progress"), progress ? [tell(progress)] : []);
  const { info } = service;
  byId("link-option").hidden = !info?.linking;
  byId("about").textContent = info ? t("about", info) : "";
}

function draw() {
  drawSource();
  drawRest();
}

function told(...messages) {
  alerts = messages;
  drawRest();
}

/** Files or golds came or went: gold beside an answer is compared anew. */
function changedInputs() {
  drawSource();
  if (answered) showAnswer();
}

async function addFiles(files) {
  if (!files.length) return;
  const limit = service.info?.limits.max_body_bytes ?? Infinity;
  told(...(await inputs.add(files, limit)));
  changedInputs();
}

async function annotate() {
  const documents = documentsNow();
  if (!documents.length) return told(["error_empty"]);
  running = new AbortController();
  const done = [];
  const problems = [];
  let model = null;
  told();
  try {
    if (!service.info) await loadInfo();
    const { fitting, refused } = service.within(documents);
    problems.push(...refused);
    const report = (message) => {
      progress = message;
      draw();
    };
    report(["progress", { done: 0, n: fitting.length }]);
    const options = {
      link: byId("link").checked,
      signal: running.signal,
      waiting: (n) => report(["busy_server", { n }]),
    };
    for await (const batch of service.annotate(fitting, options)) {
      done.push(...batch.documents);
      ({ model } = batch);
      report(["progress", { done: done.length, n: fitting.length }]);
    }
  } catch (error) {
    problems.push(reasonOf(error));
    const left = documents.length - done.length - problems.length + 1;
    if (done.length && left > 0) problems.push(["error_partial", { n: left }]);
  } finally {
    running = null;
    progress = null;
  }
  if (done.length) {
    answered = { model, linked: service.info.linking && byId("link").checked, documents: done };
    showAnswer();
    byId("source").open = problems.length > 0;
    byId("results-title").focus({ preventScroll: true });
    byId("results").scrollIntoView({ block: "start" });
  }
  draw();
  told(...problems);
}

function reasonOf(error) {
  if (error.name === "AbortError") return ["cancelled"];
  if (!(error instanceof Told)) throw error;
  if (error.values.status === 401) return askForToken();
  return [error.key, error.values];
}

function askForToken() {
  const refused = service.usesToken;
  service.useToken(null);
  byId("source").open = true;
  byId("token-form").hidden = false;
  byId("token").focus();
  return [refused ? "error_token" : "token_label"];
}

/** Put gold, where there is any, beside the answer, and show both. */
function showAnswer() {
  const notices = [];
  const used = new Set();
  const documents = answered.documents.map((each) => {
    const document = { ...each, gold: null };
    const gold = inputs.goldOf(each.id, answered.documents);
    if (gold) {
      const read = readAnn(gold.text, each.text, gold.name);
      document.gold = read.entities;
      notices.push(...read.notices);
      used.add(gold);
    }
    document.items = buildItems(document, document.gold ?? []);
    return document;
  });
  for (const gold of inputs.golds.values()) {
    if (!used.has(gold)) notices.push(["gold_alone", { name: gold.name }]);
  }
  const labels = new Set(service.info.labels);
  for (const { label } of documents.flatMap(({ items }) => items)) labels.add(label);
  reader.show({ ...answered, documents, notices }, new Labels([...labels]));
}

async function loadInfo() {
  await service.loadInfo();
  drawRest();
}

async function start() {
  try {
    await loadInfo();
  } catch (error) {
    told(reasonOf(error));
  }
}

byId("form").addEventListener("submit", (event) => {
  event.preventDefault();
  if (!running) annotate();
});
byId("note").addEventListener("input", drawSource);
byId("note").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) byId("form").requestSubmit();
});
byId("cancel").addEventListener("click", () => running?.abort());
byId("choose").addEventListener("change", async (event) => {
  await addFiles([...event.target.files]);
  event.target.value = "";
});
byId("examples").addEventListener("click", () => {
  for (const { id, text } of EXAMPLES) inputs.texts.set(id, { id, name: `${id}.txt`, text });
  told();
  changedInputs();
});
byId("clear").addEventListener("click", () => {
  inputs.clear();
  byId("note").value = "";
  answered = null;
  reader.hide();
  told();
  draw();
  byId("note").focus();
});
byId("token-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  service.useToken(byId("token").value);
  byId("token").value = "";
  byId("token-form").hidden = true;
  told();
  await start();
});

// Files may be dropped anywhere on the page.
let depth = 0;
const carriesFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
addEventListener("dragenter", (event) => {
  if (!carriesFiles(event)) return;
  depth += 1;
  byId("drop").hidden = false;
});
addEventListener("dragleave", (event) => {
  if (!carriesFiles(event)) return;
  depth -= 1;
  byId("drop").hidden = depth <= 0;
});
addEventListener("dragover", (event) => {
  if (carriesFiles(event)) event.preventDefault();
});
addEventListener("drop", (event) => {
  if (!carriesFiles(event)) return;
  event.preventDefault();
  depth = 0;
  byId("drop").hidden = true;
  addFiles([...event.dataTransfer.files]);
});

startPreferences(() => {
  draw();
  reader.translate();
});
draw();
start();
