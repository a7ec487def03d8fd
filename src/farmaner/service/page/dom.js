/** Return a new element; text becomes text nodes, never markup. */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in element) element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

export const byId = (id) => document.getElementById(id);

/** Show children in an element, or hide it where there are none. */
export function fill(element, children) {
  element.replaceChildren(...children);
  element.hidden = children.length === 0;
}
