import { createHmac } from "node:crypto";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { equalBytes, sha256 } from "../../proto/wire/bytes.ts";
import { blob, int, type Row, text } from "./columns.ts";

/** Where a release stands (DESIGN §2.6). Only a current one judges evidence; withdrawn is final. */
export type ReleaseState = "staged" | "current" | "withdrawn";

/** A release as it was stored. The envelope is verified whenever it is loaded; the row's own columns are nobody's word. */
export interface StoredRelease {
  readonly id: string;
  readonly generation: number;
  readonly state: ReleaseState;
  /** DSSE bytes. */
  readonly envelope: Uint8Array;
  /** Why it was withdrawn; else empty. */
  readonly reason: string;
  readonly sinceMs: number;
}

/** A row with whether its seal is this hub's: a state that somebody wrote into the file has none. */
export interface LoadedRelease extends StoredRelease {
  readonly sealed: boolean;
}

const STATES: readonly string[] = ["staged", "current", "withdrawn"] satisfies readonly ReleaseState[];

/** Releases with their states, by id. */
export class Releases {
  readonly #put: StatementSync;
  readonly #all: StatementSync;
  readonly #key: Uint8Array;

  /** `key`: the hub's secret beside its issuing keys, which lives as long as they do. */
  constructor(db: DatabaseSync, key: Uint8Array) {
    this.#key = key;
    this.#put = db.prepare("INSERT OR REPLACE INTO releases (id, generation, state, envelope, reason, since_ms, mac) VALUES (?, ?, ?, ?, ?, ?, ?)");
    this.#all = db.prepare("SELECT * FROM releases ORDER BY generation, id");
  }

  put(row: StoredRelease): void {
    const { id, generation, state, envelope, reason } = row;
    this.#put.run(id, generation, state, envelope, reason, Math.floor(row.sinceMs), this.#mac(row));
  }

  /** Every row that can be read, by generation. One that somebody damaged must not hide the others. */
  all(): readonly LoadedRelease[] {
    return this.#all.all().flatMap((row) => {
      try {
        return [this.#fromRow(row)];
      } catch {
        return [];
      }
    });
  }

  #fromRow(row: Row): LoadedRelease {
    const state = text(row, "state");
    if (!STATES.includes(state)) throw new TypeError(`no state of a release: ${state}`);
    const stored = { id: text(row, "id"), generation: int(row, "generation"), state: state as ReleaseState, envelope: blob(row, "envelope"), reason: text(row, "reason"), sinceMs: int(row, "since_ms") };
    return { ...stored, sealed: equalBytes(blob(row, "mac"), this.#mac(stored)) };
  }

  #mac({ id, generation, state, envelope }: StoredRelease): Uint8Array {
    return new Uint8Array(createHmac("sha256", this.#key).update(`release\n${id}\n${generation}\n${state}\n`).update(sha256(envelope)).digest());
  }
}
