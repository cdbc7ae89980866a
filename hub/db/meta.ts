import type { DatabaseSync, StatementSync } from "node:sqlite";
import { HubError } from "../error.ts";
import { text } from "./columns.ts";

/** Single values that must outlive the process. All are counters that never fall. */
export type MetaKey = "epoch" | "pins_serial" | "release_generation";

/** Named counters of the database. */
export class Meta {
  readonly #get: StatementSync;
  readonly #set: StatementSync;

  constructor(db: DatabaseSync) {
    this.#get = db.prepare("SELECT value FROM meta WHERE key = ?");
    this.#set = db.prepare("INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value");
  }

  /** Value of a counter; 0 where it was never set. */
  counter(key: MetaKey): number {
    const row = this.#get.get(key);
    if (row === undefined) return 0;
    const value = Number(text(row, "value"));
    if (!Number.isSafeInteger(value) || value < 0) throw new HubError("INTERNAL", `counter ${key} of the database is damaged`);
    return value;
  }

  /** Sets a counter; a lower value is refused with `INTERNAL`, since callers check first. */
  raise(key: MetaKey, value: number): void {
    if (value < this.counter(key)) throw new HubError("INTERNAL", `counter ${key} must not fall`);
    this.#set.run(key, String(value));
  }

  /**
   * Epoch of the plane updates for this start of the hub. Larger than any before it, also after the database was
   * restored from an older copy: agents ignore smaller ones, so a revocation would otherwise be lost on them.
   */
  nextEpoch(wallMs: number): number {
    const epoch = Math.max(this.counter("epoch") + 1, Math.floor(wallMs));
    this.raise("epoch", epoch);
    return epoch;
  }
}
