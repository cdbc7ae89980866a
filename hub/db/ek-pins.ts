import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { OperatorStatement } from "../../proto/release/operator-statement.ts";
import { blob, chain, chainText, type Row, text, textOrNull } from "./columns.ts";

/** An operator's statement about a slot's EK as it was stored: never authority by itself, see hub/enroll/ek-pins.ts. */
export interface StoredEkPin extends OperatorStatement {
  readonly slot: string;
  /** What the columns say, for looking up; null: no EK. */
  readonly ekName: string | null;
}

/** The last statement about each slot. A damaged row is left out: it can only take an anchor away. */
export class EkPins {
  readonly #bySlot: StatementSync;
  readonly #byEk: StatementSync;
  readonly #put: StatementSync;

  constructor(db: DatabaseSync) {
    this.#bySlot = db.prepare("SELECT * FROM ek_pins WHERE slot = ?");
    this.#byEk = db.prepare("SELECT * FROM ek_pins WHERE ek_name = ? LIMIT 3");
    this.#put = db.prepare("INSERT OR REPLACE INTO ek_pins (slot, ek_name, envelope, chain, at_ms) VALUES (?, ?, ?, ?, ?)");
  }

  bySlot(slot: string): StoredEkPin | null {
    const row = this.#bySlot.get(slot);
    return row === undefined ? null : fromRow(row);
  }

  /** More than one only in a database that somebody edited. */
  byEk(ekName: string): readonly StoredEkPin[] {
    return this.#byEk.all(ekName).flatMap((row) => fromRow(row) ?? []);
  }

  /** Keeps a statement instead of the one before about the same slot. */
  put(pin: StoredEkPin, nowMs: number): void {
    this.#put.run(pin.slot, pin.ekName, pin.envelope, chainText(pin.chain), Math.floor(nowMs));
  }
}

function fromRow(row: Row): StoredEkPin | null {
  try {
    return { slot: text(row, "slot"), ekName: textOrNull(row, "ek_name"), envelope: blob(row, "envelope"), chain: chain(row, "chain") };
  } catch {
    return null;
  }
}
