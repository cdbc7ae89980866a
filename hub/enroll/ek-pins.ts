import { EK_PIN, type EkPin } from "../../proto/release/ek-pin.ts";
import { openOperatorStatement, type OperatorStatement } from "../../proto/release/operator-statement.ts";
import { sha256 } from "../../proto/wire/bytes.ts";
import { toHex } from "../../proto/wire/hex.ts";
import type { StoredEkPin } from "../db/ek-pins.ts";
import { HubError } from "../error.ts";
import { BriefMemo } from "./brief-memo.ts";
import type { HubContext } from "./hub-context.ts";

/** An operator's statement about a slot's EK that holds, and who signed it. */
export interface VerifiedEkPin {
  readonly pin: EkPin;
  readonly operator: string;
  /** SPKI (DER) of the signing key. */
  readonly operatorKey: Uint8Array;
}

/**
 * Whether this is an operator's word about a slot of this cluster, now: his certificate holds under the image's root, his key signed the
 * envelope, and it names this cluster. Called when it arrives and again whenever a stored one is used. Throws HubError `EK_PIN_INVALID`.
 */
export function verifyEkPin(signed: OperatorStatement, q: { readonly cluster: string; readonly rootCa: string; readonly nowMs: number }): VerifiedEkPin {
  const { cluster, rootCa } = q;
  try {
    const { says: pin, operator } = openOperatorStatement(EK_PIN, signed, { cluster, rootCa, now: new Date(q.nowMs) });
    if (pin.cluster !== cluster) throw new HubError("EK_PIN_INVALID", `the statement is for cluster ${pin.cluster}`);
    return { pin, operator: operator.name, operatorKey: operator.spki };
  } catch (cause) {
    throw new HubError("EK_PIN_INVALID", "the statement about the slot's EK is not an operator's word", { cause });
  }
}

/** The last operator's statement about a slot if it holds, also one that names no EK; null: there is none. */
export function statementOf(context: HubContext, slot: string): VerifiedEkPin | null {
  const stored = context.store.ekPins.bySlot(slot);
  return stored === null ? null : verifyStored(context, stored);
}

/**
 * The pin that an operator gave a slot and that counts: the build host pinned neither this slot nor this EK, the slot exists with the role
 * that was signed, and no second statement names the same EK (then none of them counts: nobody knows which is meant). Null: there is none.
 */
export function operatorPin(context: HubContext, slot: string): (VerifiedEkPin & { readonly ekName: string }) | null {
  const verified = counting(context, context.store.ekPins.bySlot(slot));
  if (verified === null) return null;
  const rivals = context.store.ekPins.byEk(verified.ekName).filter((row) => row.slot !== slot && counting(context, row) !== null);
  return rivals.length === 0 ? verified : null;
}

/** Name of the slot that an operator pinned to this EK; null: none. */
export function operatorPinnedSlot(context: HubContext, ekName: string): string | null {
  const slots = context.store.ekPins.byEk(ekName).filter((row) => operatorPin(context, row.slot)?.ekName === ekName);
  return slots[0]?.slot ?? null;
}

function counting(context: HubContext, stored: StoredEkPin | null): (VerifiedEkPin & { readonly ekName: string }) | null {
  const verified = stored === null ? null : verifyStored(context, stored);
  if (stored === null || verified === null) return null;
  const { slot: name, role, ekName } = verified.pin;
  const slot = context.trust.slots.get(name);
  // The columns only find the row; the signed words decide.
  if (ekName === null || ekName !== stored.ekName || slot === undefined || slot.role !== role) return null;
  return slot.ekName === null && !context.trust.byEk.has(ekName) ? { ...verified, ekName } : null;
}

const memo = new BriefMemo<VerifiedEkPin | null>();

function verifyStored(context: HubContext, stored: StoredEkPin): VerifiedEkPin | null {
  const { image, trust, ports } = context;
  const key = toHex(sha256(sha256(stored.envelope), ...stored.chain.map((der) => sha256(der))));
  const verified = memo.get(trust, key, ports.clock.monotonicMs(), () => {
    try {
      return verifyEkPin(stored, { cluster: image.cluster, rootCa: image.rootCa, nowMs: ports.clock.wallMs() });
    } catch (error) {
      if (error instanceof HubError) return null;
      throw error;
    }
  });
  return verified !== null && verified.pin.slot === stored.slot ? verified : null;
}
