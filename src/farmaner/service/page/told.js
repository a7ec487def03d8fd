import { t } from "./strings.js";

/** What went wrong, as the page tells it: the key of a string, and its values. */
export class Told extends Error {
  constructor(key, values = {}) {
    super(key);
    this.key = key;
    this.values = values;
  }
}

/** Return a notice, `[key, values]`, as a sentence. */
export function tell([key, values = {}]) {
  const reasons = values.reasons?.map((reason) => t(`reason_${reason}`)).join(", ");
  return t(key, { ...values, reason: reasons });
}
