import type { DatabaseSync, StatementSync } from "node:sqlite";
import { int, text } from "./columns.ts";

/** An enrolment window that is open now. */
export interface OpenWindow {
  readonly seq: number;
  readonly expiresMs: number;
  readonly remaining: number;
  readonly openedBy: string;
}

/** Times in which new identities may ask. At most one is open; each has an end and a count (provisioning S19). */
export class Windows {
  readonly #current: StatementSync;
  readonly #open: StatementSync;
  readonly #close: StatementSync;
  readonly #use: StatementSync;

  constructor(db: DatabaseSync) {
    this.#current = db.prepare("SELECT * FROM windows WHERE closed_ms IS NULL ORDER BY seq DESC LIMIT 1");
    this.#open = db.prepare("INSERT INTO windows (opened_ms, expires_ms, max, used, opened_by) VALUES (?, ?, ?, 0, ?)");
    this.#close = db.prepare("UPDATE windows SET closed_ms = ? WHERE closed_ms IS NULL");
    this.#use = db.prepare("UPDATE windows SET used = used + 1 WHERE seq = ? AND used < max");
  }

  /**
   * The open window, or null. One that is over is closed for good when that is first noticed, so a clock that is set
   * back doesn't open it again; one that seems to lie in the future (the clock was set back already) counts as over too.
   */
  current(nowMs: number): OpenWindow | null {
    const row = this.#current.get();
    if (row === undefined) return null;
    if (nowMs >= int(row, "expires_ms") || nowMs < int(row, "opened_ms")) {
      this.close(nowMs);
      return null;
    }
    return {
      seq: int(row, "seq"),
      expiresMs: int(row, "expires_ms"),
      remaining: Math.max(0, int(row, "max") - int(row, "used")),
      openedBy: text(row, "opened_by"),
    };
  }

  /** Opens a window; one that is still open ends. */
  open(options: { readonly nowMs: number; readonly seconds: number; readonly max: number; readonly by: string }): void {
    this.close(options.nowMs);
    this.#open.run(Math.floor(options.nowMs), Math.floor(options.nowMs) + options.seconds * 1000, options.max, options.by);
  }

  close(nowMs: number): void {
    this.#close.run(Math.floor(nowMs));
  }

  /** Takes one place; false when none was left. */
  use(seq: number): boolean {
    return Number(this.#use.run(seq).changes) === 1;
  }
}
