import type { DatabaseSync, StatementSync } from "node:sqlite";
import { sha256 } from "../../proto/wire/bytes.ts";
import { toHex } from "../../proto/wire/hex.ts";

/** Signed documents as they were delivered, kept for inspection; what counts is the delivery, verified at each start. */
export class Documents {
  readonly #insert: StatementSync;

  constructor(db: DatabaseSync) {
    this.#insert = db.prepare("INSERT OR IGNORE INTO documents (kind, number, digest, envelope, at_ms) VALUES (?, ?, ?, ?, ?)");
  }

  /** `number` is the serial of pins. Releases have a table of their own (releases.ts). */
  keep(kind: "pins", number: number, envelope: Uint8Array, nowMs: number): void {
    this.#insert.run(kind, number, toHex(sha256(envelope)), envelope, Math.floor(nowMs));
  }
}
