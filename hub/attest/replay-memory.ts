import type { CheckedReplay, ReplayCache } from "./replay.ts";

/**
 * A {@link ReplayCache} of bounded size that forgets what wasn't used for longest. Only logs that a TPM signed for come in here, but
 * anybody has a TPM: the bound is what he can fill. An entry holds its logs, so 64 of them keep at most 20 MB.
 */
export class ReplayMemory implements ReplayCache {
  readonly #entries = new Map<string, CheckedReplay>();
  readonly #max: number;

  constructor(max = 64) {
    this.#max = max;
  }

  get(key: string): CheckedReplay | undefined {
    const found = this.#entries.get(key);
    if (found === undefined) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, found);
    return found;
  }

  set(key: string, replay: CheckedReplay): void {
    this.#entries.delete(key);
    this.#entries.set(key, replay);
    if (this.#entries.size <= this.#max) return;
    const [oldest] = this.#entries.keys();
    if (oldest !== undefined) this.#entries.delete(oldest);
  }
}
