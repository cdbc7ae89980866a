import type { DatabaseSync, StatementSync } from "node:sqlite";
import { sha256 } from "../../proto/wire/bytes.ts";
import { fromHex, toHex } from "../../proto/wire/hex.ts";
import { canonicalJson } from "../../proto/wire/json.ts";
import { int, type Row, text } from "./columns.ts";

/** What a decision's row says. `actor`: hub, operator:NAME or node:ID. */
export interface AuditEntry {
  readonly actor: string;
  readonly action: string;
  readonly subject: string;
  readonly code?: string;
  readonly detail?: string;
}

/** A row as it stands in the chain. */
export interface AuditRow {
  readonly seq: number;
  readonly atMs: number;
  readonly actor: string;
  readonly action: string;
  readonly subject: string;
  readonly code: string;
  readonly detail: string;
  /** Hex SHA-256 over the previous row's hash (32 zero bytes before the first) and the canonical JSON of the rest of this row. */
  readonly hash: string;
}

/** Answer of {@link Audit.verify}; `brokenAt` is the first row that doesn't fit, or the first that is missing. */
export interface AuditVerdict {
  readonly intact: boolean;
  readonly head: string;
  readonly count: number;
  readonly brokenAt: number | null;
}

const GENESIS = "0".repeat(64);
const MAX_DETAIL = 512;

/** The append-only log of decisions (DESIGN §4 "Audit"). Append inside the transaction that makes the decision. */
export class Audit {
  readonly #insert: StatementSync;
  readonly #last: StatementSync;
  readonly #newest: StatementSync;
  readonly #all: StatementSync;
  readonly #ofAction: StatementSync;
  readonly #getMeta: StatementSync;
  readonly #setMeta: StatementSync;
  readonly #wallMs: () => number;

  constructor(db: DatabaseSync, wallMs: () => number) {
    this.#wallMs = wallMs;
    this.#insert = db.prepare("INSERT INTO audit (seq, at_ms, actor, action, subject, code, detail, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
    this.#last = db.prepare("SELECT * FROM audit ORDER BY seq DESC LIMIT 1");
    this.#newest = db.prepare("SELECT * FROM audit ORDER BY seq DESC LIMIT ?");
    this.#all = db.prepare("SELECT * FROM audit ORDER BY seq");
    this.#ofAction = db.prepare("SELECT DISTINCT subject FROM audit WHERE action = ?");
    this.#getMeta = db.prepare("SELECT value FROM meta WHERE key = 'audit_head'");
    this.#setMeta = db.prepare("INSERT INTO meta (key, value) VALUES ('audit_head', ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value");
  }

  append(entry: AuditEntry): void {
    const last = this.#last.get();
    const row = {
      seq: last === undefined ? 1 : int(last, "seq") + 1,
      atMs: Math.floor(this.#wallMs()),
      actor: entry.actor,
      action: entry.action,
      subject: entry.subject,
      code: entry.code ?? "",
      // Part of it can come from a peer: bounded, and printable only.
      detail: (entry.detail ?? "").replace(/[^\x20-\x7e]/g, "?").slice(0, MAX_DETAIL),
    };
    const hash = hashRow(last === undefined ? GENESIS : text(last, "hash"), row);
    this.#insert.run(row.seq, row.atMs, row.actor, row.action, row.subject, row.code, row.detail, hash);
    this.#setMeta.run(`${row.seq} ${hash}`);
  }

  /** Hash of the newest row, hex; 64 zeros before the first. */
  head(): string {
    const last = this.#last.get();
    return last === undefined ? GENESIS : text(last, "hash");
  }

  /** The newest `limit` rows, newest first. */
  newest(limit: number): readonly AuditRow[] {
    return this.#newest.all(limit).map(fromRow);
  }

  /** What an action was ever done to. */
  subjectsOf(action: string): ReadonlySet<string> {
    return new Set(this.#ofAction.all(action).map((row) => text(row, "subject")));
  }

  /** Walks the whole chain: a changed, removed or inserted row is found, and one that was cut off the end by the count beside it. */
  verify(): AuditVerdict {
    let previous = GENESIS;
    let count = 0;
    for (const raw of this.#all.iterate()) {
      const row = fromRow(raw);
      count++;
      if (row.seq !== count || row.hash !== hashRow(previous, row)) return { intact: false, head: previous, count, brokenAt: count };
      previous = row.hash;
    }
    const meta = this.#getMeta.get();
    const remembered = meta === undefined ? `0 ${GENESIS}` : text(meta, "value");
    const intact = remembered === `${count} ${previous}`;
    return { intact, head: previous, count, brokenAt: intact ? null : count + 1 };
  }
}

function hashRow(previous: string, row: Omit<AuditRow, "hash">): string {
  const { seq, atMs, actor, action, subject, code, detail } = row;
  return toHex(sha256(fromHex(previous), canonicalJson({ seq, atMs, actor, action, subject, code, detail })));
}

function fromRow(row: Row): AuditRow {
  return {
    seq: int(row, "seq"),
    atMs: int(row, "at_ms"),
    actor: text(row, "actor"),
    action: text(row, "action"),
    subject: text(row, "subject"),
    code: text(row, "code"),
    detail: text(row, "detail"),
    hash: text(row, "hash"),
  };
}
