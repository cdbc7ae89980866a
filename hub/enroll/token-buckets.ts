import type { Clock } from "../ports.ts";

/** How often one source may say hello: `burst` at once, then `perSecond`. */
export interface BucketLimits {
  readonly burst: number;
  readonly perSecond: number;
}

/** Sources remembered at once; a full table forgets the one that was quiet longest. */
const MAX_SOURCES = 4096;

/** Token buckets by source address: the first thing a stranger meets, before anything is parsed or looked up. */
export class TokenBuckets {
  readonly #limits: BucketLimits;
  readonly #clock: Clock;
  readonly #sources = new Map<string, { tokens: number; at: number }>();

  constructor(limits: BucketLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
  }

  /** Takes one token; false when the source has none left. */
  take(source: string): boolean {
    const { burst, perSecond } = this.#limits;
    const now = this.#clock.monotonicMs();
    const bucket = this.#sources.get(source) ?? { tokens: burst, at: now };
    const tokens = Math.min(burst, bucket.tokens + ((now - bucket.at) / 1000) * perSecond);
    // Deleted and set again: a Map keeps insertion order, so the first key is the quietest source.
    this.#sources.delete(source);
    this.#sources.set(source, { tokens: Math.max(0, tokens - 1), at: now });
    if (this.#sources.size > MAX_SOURCES) this.#sources.delete(this.#sources.keys().next().value ?? source);
    return tokens >= 1;
  }
}
