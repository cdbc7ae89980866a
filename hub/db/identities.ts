import type { DatabaseSync, StatementSync } from "node:sqlite";
import { utf8 } from "../../proto/wire/bytes.ts";
import { canonicalJson, parseJson } from "../../proto/wire/json.ts";
import { raiseClock } from "../attest/clock.ts";
import type { Baseline, LastClock } from "../attest/types.ts";
import { baselineSchema, holdsSlot, type NodeState, nodeStateSchema } from "../enroll/state.ts";
import { type NodeEvent, step } from "../enroll/step.ts";
import { blob, int, type Row, text, textOrNull } from "./columns.ts";
import { decodeClock, encodeClock } from "./last-clock.ts";

/** An identity (DESIGN §2.13) with the state it is in. */
export interface Identity {
  readonly id: string;
  readonly ekName: string;
  readonly generation: number;
  /** TPMT_PUBLIC. */
  readonly ekPublic: Uint8Array;
  readonly state: NodeState;
  /** Whether its TPM has ever activated a credential of ours; before that, anybody may have sent this EK. */
  readonly proven: boolean;
  /** PCR 0–3 as they were when it was approved; null before. */
  readonly baseline: Baseline | null;
  /** Newest clock that its TPM has shown in a quote that verified, whatever became of the evidence; null before the first. */
  readonly lastClock: LastClock | null;
  readonly firstSeenMs: number;
  readonly stateSinceMs: number;
}

/** How many identities that never proved anything are kept; more push out the oldest (provisioning S10). */
const MAX_UNPROVEN = 1024;
/** Four PCRs with 64 events of some 200 bytes each, and the rest of a boot's facts. */
const MAX_STATE_BYTES = 96 * 1024;

/** Identities and each of their transitions. All writes belong into the caller's transaction. */
export class Identities {
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  byId(id: string): Identity | null {
    return this.#one("SELECT * FROM identities WHERE id = ?", id);
  }

  /** The newest generation of an endorsement key. */
  byEk(ekName: string): Identity | null {
    return this.#one("SELECT * FROM identities WHERE ek_name = ? ORDER BY generation DESC LIMIT 1", ekName);
  }

  bySlot(slot: string): Identity | null {
    return this.#one("SELECT * FROM identities WHERE slot = ?", slot);
  }

  /** Ids that begin with `prefix`, at most two: enough to tell none, one and ambiguous apart. */
  byPrefix(prefix: string): readonly Identity[] {
    return this.#prepare("SELECT * FROM identities WHERE substr(id, 1, length(?1)) = ?1 ORDER BY id LIMIT 2").all(prefix).map(fromRow);
  }

  /** Everybody whose row can be read: one that somebody damaged must not hide all others (it stays an error for itself). */
  all(): readonly Identity[] {
    return this.#prepare("SELECT * FROM identities ORDER BY first_seen_ms, id").all().flatMap((row) => {
      try {
        return [fromRow(row)];
      } catch {
        return [];
      }
    });
  }

  /** Another identity that one of these public keys belongs to. */
  ownerOfKey(keys: readonly string[], except: string): string | null {
    const find = this.#prepare("SELECT identity FROM identity_keys WHERE key = ? AND identity <> ?");
    for (const key of keys) {
      const row = find.get(key, except);
      if (row !== undefined) return text(row, "identity");
    }
    return null;
  }

  /** Replaces the keys that belong to an identity. */
  setKeys(id: string, keys: readonly string[]): void {
    this.#prepare("DELETE FROM identity_keys WHERE identity = ?").run(id);
    for (const key of new Set(keys)) this.#prepare("INSERT INTO identity_keys (key, identity) VALUES (?, ?)").run(key, id);
  }

  /** A new identity in state `seen`. What its TPM's clock was under an earlier generation stays known. */
  add(identity: Pick<Identity, "id" | "ekName" | "generation" | "ekPublic">, nowMs: number): Identity {
    const now = Math.floor(nowMs);
    this.#prepare(
      `DELETE FROM identities WHERE id IN (SELECT id FROM identities WHERE proven = 0 ORDER BY first_seen_ms DESC LIMIT -1 OFFSET ${MAX_UNPROVEN - 1})`,
    ).run();
    const lastClock = this.byEk(identity.ekName)?.lastClock ?? null;
    this.#prepare(
      "INSERT INTO identities (id, ek_name, generation, ek_public, kind, state, proven, last_clock, first_seen_ms, state_since_ms) VALUES (?, ?, ?, ?, 'seen', '{\"t\":\"seen\"}', 0, ?, ?, ?)",
    ).run(identity.id, identity.ekName, identity.generation, identity.ekPublic, lastClock === null ? null : encodeClock(lastClock), now, now);
    return { ...identity, state: { t: "seen" }, proven: false, baseline: null, lastClock, firstSeenMs: now, stateSinceMs: now };
  }

  setProven(id: string): void {
    this.#prepare("UPDATE identities SET proven = 1 WHERE id = ?").run(id);
  }

  setBaseline(id: string, baseline: Baseline | null): void {
    this.#prepare("UPDATE identities SET baseline = ? WHERE id = ?").run(baseline === null ? null : JSON.stringify(baseline), id);
  }

  /** Keeps the newer of both clocks, in each part; whoever shows an older one changes nothing. */
  raiseClock(identity: Identity, seen: LastClock): Identity {
    const text = encodeClock(raiseClock(identity.lastClock, seen));
    if (identity.lastClock !== null && text === encodeClock(identity.lastClock)) return identity;
    this.#prepare("UPDATE identities SET last_clock = ? WHERE id = ?").run(text, identity.id);
    return { ...identity, lastClock: decodeClock(text) };
  }

  /** Makes one transition and keeps it. Throws IllegalStep; the caller's transaction is then rolled back. */
  apply(identity: Identity, event: NodeEvent, nowMs: number): Identity {
    const state = step(identity.state, event);
    if (state === identity.state) return identity;
    const now = Math.floor(nowMs);
    const slot = holdsSlot(state) ? state.slot : null;
    const json = new TextDecoder().decode(canonicalJson(state));
    const since = state.t === identity.state.t ? identity.stateSinceMs : now;
    this.#prepare("UPDATE identities SET kind = ?, state = ?, slot = ?, state_since_ms = ? WHERE id = ?").run(state.t, json, slot, since, identity.id);
    this.#prepare("INSERT INTO steps (identity, at_ms, event, before, after) VALUES (?, ?, ?, ?, ?)").run(identity.id, now, event.e, identity.state.t, state.t);
    return { ...identity, state, stateSinceMs: since };
  }

  #one(sql: string, key: string): Identity | null {
    const row = this.#prepare(sql).get(key);
    return row === undefined ? null : fromRow(row);
  }

  #prepare(sql: string): StatementSync {
    const known = this.#statements.get(sql) ?? this.#db.prepare(sql);
    this.#statements.set(sql, known);
    return known;
  }
}

function fromRow(row: Row): Identity {
  const baseline = textOrNull(row, "baseline");
  const lastClock = textOrNull(row, "last_clock");
  return {
    id: text(row, "id"),
    ekName: text(row, "ek_name"),
    generation: int(row, "generation"),
    ekPublic: blob(row, "ek_public"),
    state: parseJson(nodeStateSchema, utf8(text(row, "state")), MAX_STATE_BYTES),
    proven: int(row, "proven") === 1,
    baseline: baseline === null ? null : parseJson(baselineSchema, utf8(baseline), MAX_STATE_BYTES),
    lastClock: lastClock === null ? null : decodeClock(lastClock),
    firstSeenMs: int(row, "first_seen_ms"),
    stateSinceMs: int(row, "state_since_ms"),
  };
}
