import { createHmac } from "node:crypto";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { OperatorStatement } from "../../proto/release/operator-statement.ts";
import { equalBytes } from "../../proto/wire/bytes.ts";
import { blob, chain, chainText, type Row } from "./columns.ts";

/** A stored statement, which is verified again whenever it is used, with whether it has already let its machine in. */
export interface KnownApproval extends OperatorStatement {
  /** It was used before its time was over: coming back is no new admission. Sealed by the hub's own secret, so that a row that somebody wrote into the file says nothing. */
  readonly used: boolean;
}

/** Statements by (EK, generation). */
export class Approvals {
  readonly #valid: StatementSync;
  readonly #insert: StatementSync;
  readonly #void: StatementSync;
  readonly #any: StatementSync;
  readonly #use: StatementSync;
  readonly #key: Uint8Array;

  /** `key`: the hub's secret beside its issuing keys, which lives as long as they do. */
  constructor(db: DatabaseSync, key: Uint8Array) {
    this.#key = key;
    this.#use = db.prepare("UPDATE approvals SET used_mac = ? WHERE ek_name = ? AND generation = ? AND envelope = ?");
    this.#valid = db.prepare("SELECT * FROM approvals WHERE ek_name = ? AND generation = ? AND voided_ms IS NULL ORDER BY seq DESC");
    this.#any = db.prepare("SELECT envelope FROM approvals WHERE ek_name = ? AND generation = ?");
    this.#insert = db.prepare("INSERT INTO approvals (ek_name, generation, envelope, chain, at_ms) VALUES (?, ?, ?, ?, ?)");
    this.#void = db.prepare("UPDATE approvals SET voided_ms = ? WHERE ek_name = ? AND generation = ? AND voided_ms IS NULL");
  }

  /** Statements that nobody voided, newest first. A damaged row is left out: it can only take a right away. */
  valid(ekName: string, generation: number): readonly KnownApproval[] {
    return this.#valid.all(ekName, generation).flatMap((row) => {
      const approval = fromRow(row);
      if (approval === null) return [];
      const seal = row["used_mac"];
      const used = seal instanceof Uint8Array && equalBytes(seal, this.#mac(ekName, generation, approval.envelope));
      return [{ ...approval, used }];
    });
  }

  /** Notes that a statement let its machine in, in time. */
  markUsed(ekName: string, generation: number, envelope: Uint8Array): void {
    this.#use.run(this.#mac(ekName, generation, envelope), ekName, generation, envelope);
  }

  /** Stores a statement; the same bytes a second time change nothing, also when they were voided since. */
  add(ekName: string, generation: number, approval: OperatorStatement, nowMs: number): void {
    if (this.#any.all(ekName, generation).some((row) => equalBytes(blob(row, "envelope"), approval.envelope))) return;
    this.#insert.run(ekName, generation, approval.envelope, chainText(approval.chain), Math.floor(nowMs));
  }

  /** Whether these bytes were stored and voided since: no second use of them counts. */
  isVoided(ekName: string, generation: number, envelope: Uint8Array): boolean {
    const stored = this.#any.all(ekName, generation).some((row) => equalBytes(blob(row, "envelope"), envelope));
    return stored && !this.valid(ekName, generation).some((approval) => equalBytes(approval.envelope, envelope));
  }

  /** After a revocation or a failed verdict: nothing signed before it admits again. */
  void(ekName: string, generation: number, nowMs: number): void {
    this.#void.run(Math.floor(nowMs), ekName, generation);
  }

  #mac(ekName: string, generation: number, envelope: Uint8Array): Uint8Array {
    return new Uint8Array(createHmac("sha256", this.#key).update(`used\n${ekName}\n${generation}\n`).update(envelope).digest());
  }
}

function fromRow(row: Row): OperatorStatement | null {
  try {
    return { envelope: blob(row, "envelope"), chain: chain(row, "chain") };
  } catch {
    return null;
  }
}
