// UTF-16 code units, which JavaScript counts, and Unicode code points, which files count.

/** Return a function that turns ever larger UTF-16 offsets of `text` into code points. */
export function codePointCounter(text) {
  let unit = 0;
  let point = 0;
  return (offset) => {
    if (offset < unit) [unit, point] = [0, 0];
    for (; unit < offset; point += 1) unit += text.codePointAt(unit) > 0xffff ? 2 : 1;
    return point;
  };
}

export const countCodePoints = (text) => codePointCounter(text)(text.length);

/** Whether a UTF-16 offset stands between two characters, not inside one. */
export const isBoundary = (text, offset) =>
  offset === 0 || offset === text.length || !(isTail(text, offset) && isHead(text, offset - 1));

const isHead = (text, at) => (text.charCodeAt(at) & 0xfc00) === 0xd800;
const isTail = (text, at) => (text.charCodeAt(at) & 0xfc00) === 0xdc00;
