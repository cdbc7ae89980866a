import type { AttestCode } from "../attest/codes.ts";
import type { HubCode } from "../codes.ts";

/** A stream whose machine has proved to be this identity. */
export interface LiveSession {
  /** An operator approved it: hand out the admission. */
  approved(): void;
  /** Ends the stream with a refusal. */
  refuse(refusal: { readonly code: HubCode | AttestCode; readonly message: string; readonly retryAfterMs: number }): void;
}

/** The live stream of each identity; at most one. */
export class LiveSessions {
  readonly #sessions = new Map<string, LiveSession>();

  get(id: string): LiveSession | null {
    return this.#sessions.get(id) ?? null;
  }

  /**
   * Registers a stream whose evidence has just passed; returns the one it replaces. Newest evidence wins here: whether an
   * old stream was dead or a second machine has the same TPM state (DESIGN §2.11, both challenged, both quarantined) is
   * decided by whoever gets the old one from this call.
   */
  register(id: string, session: LiveSession): LiveSession | null {
    const old = this.#sessions.get(id) ?? null;
    this.#sessions.set(id, session);
    return old === session ? null : old;
  }

  /** Forgets a stream that has ended, unless a newer one took its place. */
  unregister(id: string, session: LiveSession): void {
    if (this.#sessions.get(id) === session) this.#sessions.delete(id);
  }

  get size(): number {
    return this.#sessions.size;
  }
}
