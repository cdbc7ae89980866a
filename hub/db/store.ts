import type { DatabaseSync } from "node:sqlite";
import { Approvals } from "./approvals.ts";
import { Audit } from "./audit.ts";
import { Documents } from "./documents.ts";
import { EvidenceRows } from "./evidence.ts";
import { Identities } from "./identities.ts";
import { Leases } from "./leases.ts";
import { Meta } from "./meta.ts";
import { openDatabase } from "./open-database.ts";
import { Windows } from "./windows.ts";

/** Everything the hub remembers, one object a table. */
export class Store {
  readonly meta: Meta;
  readonly identities: Identities;
  readonly evidence: EvidenceRows;
  readonly approvals: Approvals;
  readonly windows: Windows;
  readonly documents: Documents;
  readonly leases: Leases;
  readonly audit: Audit;
  readonly #db: DatabaseSync;

  /** `leaseKey`: secret of this boot, see {@link Leases}. */
  constructor(path: string, options: { readonly wallMs: () => number; readonly leaseKey: Uint8Array }) {
    this.#db = openDatabase(path);
    this.meta = new Meta(this.#db);
    this.identities = new Identities(this.#db);
    this.evidence = new EvidenceRows(this.#db);
    this.approvals = new Approvals(this.#db, options.leaseKey);
    this.windows = new Windows(this.#db);
    this.documents = new Documents(this.#db);
    this.leases = new Leases(this.#db, options.leaseKey);
    this.audit = new Audit(this.#db, options.wallMs);
  }

  /** All of `work` or nothing of it, on the disk before this returns. Not nestable. */
  transaction<T>(work: () => T): T {
    this.#db.exec("BEGIN IMMEDIATE");
    try {
      const result = work();
      this.#db.exec("COMMIT");
      return result;
    } catch (error) {
      this.#db.exec("ROLLBACK");
      throw error;
    }
  }

  close(): void {
    this.#db.close();
  }
}
