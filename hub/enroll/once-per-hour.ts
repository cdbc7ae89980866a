const HOUR_MS = 3_600_000;

/** Keys of the last hour, at most `max`: a full table takes no new one until its oldest is an hour old. Times are of the boot clock, ascending. */
export class OncePerHour {
  readonly #max: number;
  readonly #at = new Map<string, number>();

  constructor(max: number) {
    this.#max = max;
  }

  /** Whether the key was added within the last hour. */
  has(key: string, nowMs: number): boolean {
    const at = this.#at.get(key);
    return at !== undefined && nowMs - at < HOUR_MS;
  }

  /** True: it is new and was added. False: it is there, or there is no room. */
  add(key: string, nowMs: number): boolean {
    // A Map keeps insertion order, so the oldest come first.
    for (const [old, at] of this.#at) {
      if (nowMs - at < HOUR_MS) break;
      this.#at.delete(old);
    }
    if (this.#at.has(key) || this.#at.size >= this.#max) return false;
    this.#at.set(key, nowMs);
    return true;
  }
}
