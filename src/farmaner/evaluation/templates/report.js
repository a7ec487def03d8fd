"use strict";
// Filters the errors, and opens a document when a link leads into it. Without script all is shown.
const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();

function filtered(form) {
  const section = form.closest("section");
  const shown = section.querySelector(".shown");
  const errors = Array.from(section.querySelectorAll(".error"), (element) => ({
    element,
    labels: element.dataset.label.split(" "),
    text: plain(element.textContent),
  }));
  const apply = () => {
    const wanted = Object.fromEntries(new FormData(form));
    const words = plain(wanted.words).trim();
    let count = 0;
    for (const { element, labels, text } of errors) {
      const same = ["class", "system", "right", "seen"].every(
        (name) => !wanted[name] || element.dataset[name] === wanted[name],
      );
      const keep = same && (!wanted.label || labels.includes(wanted.label)) && text.includes(words);
      element.hidden = !keep;
      count += keep;
    }
    const all = `${errors.length} errors`;
    shown.textContent = count === errors.length ? all : `${count} of ${all}`;
  };
  form.hidden = false;
  form.addEventListener("input", apply);
  form.addEventListener("reset", () => setTimeout(apply));
  form.addEventListener("submit", (event) => event.preventDefault());
  apply();
  return apply;
}

function follow() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const folded = target && target.closest("details");
  if (!folded || folded.open) return;
  folded.open = true;
  target.scrollIntoView();
}

const forms = new Map(Array.from(document.querySelectorAll(".filter"), (form) => [form, filtered(form)]));
for (const link of document.querySelectorAll("[data-pick]")) {
  link.addEventListener("click", () => {
    const form = document.getElementById(link.dataset.pick);
    form.reset();
    for (const [name, value] of [
      ["class", link.dataset.pickClass],
      ["system", link.dataset.pickSystem],
      ["right", link.dataset.pickRight],
    ]) {
      if (value) form.elements[name].value = value;
    }
    forms.get(form)();
  });
}
for (const wide of document.querySelectorAll(".wide")) {
  if (wide.scrollWidth > wide.clientWidth) wide.tabIndex = 0; // the keyboard can scroll it too
}
addEventListener("hashchange", follow);
follow();
