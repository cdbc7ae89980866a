import type { Trust } from "../trust/trust.ts";

/** For so long an answer about the same bytes is taken again: long enough for a list of nodes, short for a certificate that ends. */
const MEMO_MS = 60_000;
/** Answers of one delivery that are kept; more than any cluster has slots. */
const MAX_ANSWERS = 70_000;

/**
 * Answers of a pure check of signatures, by the bytes that were checked, for a minute of the boot clock and one delivery. Which bytes count is
 * asked of the database each time; only checking the same ones again is spared.
 */
export class BriefMemo<T> {
  readonly #answers = new WeakMap<Trust, Map<string, { readonly answer: T; readonly untilMs: number }>>();

  /** `key` names all that `check` depends on beside the delivery and the time. */
  get(trust: Trust, key: string, nowMs: number, check: () => T): T {
    const known = this.#answers.get(trust) ?? new Map<string, { readonly answer: T; readonly untilMs: number }>();
    this.#answers.set(trust, known);
    const found = known.get(key);
    if (found !== undefined && nowMs < found.untilMs) return found.answer;
    const answer = check();
    if (known.size >= MAX_ANSWERS) known.clear();
    known.set(key, { answer, untilMs: nowMs + MEMO_MS });
    return answer;
  }
}
