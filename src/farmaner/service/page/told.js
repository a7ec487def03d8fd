/** What went wrong, as the page tells it: the key of a string, and its values. */
export class Told extends Error {
  constructor(key, values = {}) {
    super(key);
    this.key = key;
    this.values = values;
  }
}
