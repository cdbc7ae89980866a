import { statSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";
import { HubError } from "../error.ts";
import { Approvals } from "./approvals.ts";
import { Audit } from "./audit.ts";
import { Documents } from "./documents.ts";
import { EkCertificates } from "./ek-certificates.ts";
import { EkPins } from "./ek-pins.ts";
import { EvidenceRows } from "./evidence.ts";
import { Identities } from "./identities.ts";
import { Leases } from "./leases.ts";
import { Meta } from "./meta.ts";
import { openDatabase } from "./open-database.ts";
import { Releases } from "./releases.ts";
import { Windows } from "./windows.ts";

/** Everything the hub remembers, one object a table. */
export class Store {
  readonly meta: Meta;
  readonly identities: Identities;
  readonly evidence: EvidenceRows;
  readonly approvals: Approvals;
  readonly ekPins: EkPins;
  readonly ekCertificates: EkCertificates;
  readonly windows: Windows;
  readonly documents: Documents;
  readonly releases: Releases;
  readonly leases: Leases;
  readonly audit: Audit;
  readonly #db: DatabaseSync;
  readonly #isThere: () => boolean;

  /** `storeKey`: secret as old as the database, see {@link Releases}; `bootKey`: of this boot, see {@link Leases}. */
  constructor(path: string, options: { readonly wallMs: () => number; readonly storeKey: Uint8Array; readonly bootKey: Uint8Array }) {
    this.#db = openDatabase(path);
    this.#isThere = watchFile(path);
    this.meta = new Meta(this.#db);
    this.identities = new Identities(this.#db);
    this.evidence = new EvidenceRows(this.#db);
    this.approvals = new Approvals(this.#db, options.storeKey);
    this.ekPins = new EkPins(this.#db);
    this.ekCertificates = new EkCertificates(this.#db);
    this.windows = new Windows(this.#db);
    this.documents = new Documents(this.#db);
    this.releases = new Releases(this.#db, options.storeKey);
    this.leases = new Leases(this.#db, options.bootKey);
    this.audit = new Audit(this.#db, options.wallMs);
  }

  /**
   * All of `work` or nothing of it, on the disk before this returns. Not nestable. Throws HubError `INTERNAL` when the file
   * at the path is no longer the one that was opened: what SQLite then writes would be gone with the process.
   */
  transaction<T>(work: () => T): T {
    if (!this.#isThere()) throw new HubError("INTERNAL", "the database's file was removed or replaced under the hub");
    this.#db.exec("BEGIN IMMEDIATE");
    try {
      const result = work();
      this.#db.exec("COMMIT");
      return result;
    } catch (error) {
      // A disk that fails has rolled back already; the cause is what counts.
      if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
      throw error;
    }
  }

  close(): void {
    this.#db.close();
  }
}

/** Whether the file at the path is still the one that is there now. */
function watchFile(path: string): () => boolean {
  if (path === ":memory:") return () => true;
  const { dev, ino } = statSync(path);
  return () => {
    const now = statSync(path, { throwIfNoEntry: false });
    return now !== undefined && now.dev === dev && now.ino === ino;
  };
}
