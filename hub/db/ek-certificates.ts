import type { DatabaseSync, StatementSync } from "node:sqlite";
import { blob } from "./columns.ts";

/** What a TPM's maker put beside its EK, as the machine showed it; believed by nobody before it is verified. */
export interface ShownCertificate {
  /** Empty: it has none. */
  readonly certificate: Uint8Array;
  /** Parts of a chain: DER, one after the other, also across parts. */
  readonly intermediates: readonly Uint8Array[];
}

/** The certificate that each identity showed last; verified again whenever it is used, so a row anchors nobody. */
export class EkCertificates {
  readonly #get: StatementSync;
  readonly #put: StatementSync;
  readonly #drop: StatementSync;

  constructor(db: DatabaseSync) {
    this.#get = db.prepare("SELECT * FROM ek_certificates WHERE identity = ?");
    this.#put = db.prepare("INSERT OR REPLACE INTO ek_certificates (identity, certificate, intermediates) VALUES (?, ?, ?)");
    this.#drop = db.prepare("DELETE FROM ek_certificates WHERE identity = ?");
  }

  /** Null: it showed none. */
  get(identity: string): ShownCertificate | null {
    const row = this.#get.get(identity);
    return row === undefined ? null : { certificate: blob(row, "certificate"), intermediates: [blob(row, "intermediates")] };
  }

  /** Keeps what was shown; an empty certificate forgets the one before. */
  keep(identity: string, { certificate, intermediates }: ShownCertificate): void {
    if (certificate.length === 0) this.#drop.run(identity);
    else this.#put.run(identity, certificate, Buffer.concat(intermediates));
  }
}
