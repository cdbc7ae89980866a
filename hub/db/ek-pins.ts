import type { DatabaseSync, StatementSync } from "node:sqlite";
import { z } from "zod";
import { fromBase64, toBase64 } from "../../proto/wire/base64.ts";
import { utf8 } from "../../proto/wire/bytes.ts";
import { parseJson } from "../../proto/wire/json.ts";
import { base64Text } from "../../proto/wire/text.ts";
import { blob, type Row, text } from "./columns.ts";

/** An operator's statement about a slot's EK as it was stored: never authority by itself, see hub/enroll/ek-pins.ts. */
export interface StoredEkPin {
  readonly slot: string;
  /** What the columns say, for looking up; null: no EK. */
  readonly ekName: string | null;
  /** DSSE bytes, and the certificates that verify them (DER, leaf first). */
  readonly envelope: Uint8Array;
  readonly chain: readonly Uint8Array[];
}

const chainSchema = z.array(base64Text(4096)).max(4);

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
    this.#put.run(pin.slot, pin.ekName, pin.envelope, JSON.stringify(pin.chain.map(toBase64)), Math.floor(nowMs));
  }
}

function fromRow(row: Row): StoredEkPin | null {
  try {
    const ekName = row["ek_name"] === null ? null : text(row, "ek_name");
    return { slot: text(row, "slot"), ekName, envelope: blob(row, "envelope"), chain: parseJson(chainSchema, utf8(text(row, "chain")), 65536).map(fromBase64) };
  } catch {
    return null;
  }
}
