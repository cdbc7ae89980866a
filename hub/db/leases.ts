import { createHmac } from "node:crypto";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { equalBytes, utf8 } from "../../proto/wire/bytes.ts";
import { blob, text } from "./columns.ts";

/**
 * Plane members that outlive a restart of the hub within one boot. `key` exists in this boot only, so a row that somebody wrote into the database, or that comes from an earlier boot, is not believed.
 */
export class Leases {
  readonly #put: StatementSync;
  readonly #drop: StatementSync;
  readonly #all: StatementSync;
  readonly #key: Uint8Array;

  constructor(db: DatabaseSync, key: Uint8Array) {
    this.#key = key;
    this.#put = db.prepare("INSERT OR REPLACE INTO leases (identity, body, mac) VALUES (?, ?, ?)");
    this.#drop = db.prepare("DELETE FROM leases WHERE identity = ?");
    this.#all = db.prepare("SELECT * FROM leases ORDER BY identity");
  }

  /** Keeps one member; `body` is JSON of the caller's. */
  put(identity: string, body: string): void {
    this.#put.run(identity, body, this.#mac(identity, body));
  }

  drop(identity: string): void {
    this.#drop.run(identity);
  }

  /** Rows whose seal holds, and the ids of those whose seal doesn't. */
  load(): { readonly valid: readonly { readonly identity: string; readonly body: string }[]; readonly refused: readonly string[] } {
    const valid: { identity: string; body: string }[] = [];
    const refused: string[] = [];
    for (const row of this.#all.all()) {
      const identity = text(row, "identity");
      const body = text(row, "body");
      if (equalBytes(blob(row, "mac"), this.#mac(identity, body))) valid.push({ identity, body });
      else refused.push(identity);
    }
    return { valid, refused };
  }

  #mac(identity: string, body: string): Uint8Array {
    return new Uint8Array(createHmac("sha256", this.#key).update(utf8(`lease\n${identity}\n${body}`)).digest());
  }
}
