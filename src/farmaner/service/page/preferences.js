// Language and theme: all that the page keeps between visits.

import { STRINGS, speak, t } from "./strings.js";

const LANGUAGE = "farmaner.language";
const THEME = "farmaner.theme";

/** Fill the page's fixed strings in the language that was chosen, or else the browser's. */
export function startPreferences(changed) {
  const preferred = navigator.languages.map((tag) => tag.slice(0, 2)).find((tag) => tag in STRINGS);
  const language = read(LANGUAGE) ?? preferred ?? "en";
  const theme = read(THEME) ?? "auto";
  apply(language, theme);
  for (const radio of document.getElementsByName("language")) {
    radio.checked = radio.value === document.documentElement.lang;
    radio.addEventListener("change", () => {
      write(LANGUAGE, radio.value);
      apply(radio.value, document.documentElement.dataset.theme);
      changed();
    });
  }
  const select = document.getElementById("theme");
  select.value = document.documentElement.dataset.theme;
  select.addEventListener("change", () => {
    write(THEME, select.value);
    document.documentElement.dataset.theme = select.value;
  });
}

function apply(language, theme) {
  speak(language);
  document.documentElement.lang = language in STRINGS ? language : "es";
  document.documentElement.dataset.theme = ["light", "dark"].includes(theme) ? theme : "auto";
  document.title = t("title");
  for (const element of document.querySelectorAll("[data-t]"))
    element.textContent = t(element.dataset.t);
  for (const element of document.querySelectorAll("[data-t-placeholder]")) {
    element.placeholder = t(element.dataset.tPlaceholder);
  }
  for (const element of document.querySelectorAll("[data-t-label]")) {
    element.setAttribute("aria-label", t(element.dataset.tLabel));
  }
  for (const element of document.querySelectorAll("[data-t-rich]"))
    withKeys(element, t(element.dataset.tRich));
}

/** Put a text whose [Key] parts are keys of the keyboard. */
function withKeys(element, text) {
  element.replaceChildren(
    ...text.split(/[[\]]/).map((part, index) => {
      if (index % 2 === 0) return part;
      const key = document.createElement("kbd");
      key.textContent = part;
      return key;
    }),
  );
}

// Storage may be switched off; the page then forgets the choice and works all the same.
function read(name) {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

function write(name, value) {
  try {
    localStorage.setItem(name, value);
  } catch {
    // nothing depends on it
  }
}
