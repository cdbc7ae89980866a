import { equalBytes } from "../../proto/wire/bytes.ts";
import type { OperatorStatement } from "../../proto/release/operator-statement.ts";
import type { Identity } from "../db/identities.ts";
import { HubError } from "../error.ts";
import type { Slot } from "../trust/trust.ts";
import { auditRefusal } from "./audit-refusal.ts";
import type { Operator } from "./decide.ts";
import { pinnedSlot, slotOfEk } from "./ek-anchor.ts";
import { statementOf, type VerifiedEkPin, verifyEkPin } from "./ek-pins.ts";
import type { HubContext } from "./hub-context.ts";
import { holdsSlot } from "./state.ts";

/** How far an operator's clock may be ahead of ours: one that is years ahead would have the last word for years. */
const MAX_AHEAD_MS = 5 * 60_000;
/** The machine attests anew in a moment, and its verdict then knows the pin. */
const RETRY_MS = 500;

/**
 * Takes an operator's signed statement about which EK a slot is for, or that it is for none in particular again. The caller must be the
 * signer. What the build host pinned stays as it is; one EK has one slot; and what a machine holds isn't taken from under it. A machine that
 * waits is asked for evidence anew. Refusals are audited. Throws HubError `EK_PIN_INVALID`, `SLOT_UNKNOWN`, `SLOT_MISMATCH`, `CONFLICT`
 * or `ALREADY_DECIDED`. Returns the slot as it is now.
 */
export function setEkPin(context: HubContext, signed: OperatorStatement, options: { readonly by: Operator; readonly reason: string }): Slot {
  const { store, ports } = context;
  const said = { subject: "ek-pins", action: "ek-pin" };
  try {
    const { pin, operatorKey } = verifyEkPin(signed, { cluster: context.image.cluster, rootCa: context.image.rootCa, nowMs: ports.clock.wallMs() });
    said.subject = pin.slot;
    said.action = pin.ekName === null ? "ek-unpin" : "ek-pin";
    if (!equalBytes(operatorKey, options.by.spki)) throw new HubError("EK_PIN_INVALID", "the statement was signed by another operator than the caller");
    const before = checkPin(context, pin);
    const ekName = pin.ekName ?? before.ekName ?? "";
    store.transaction(() => {
      store.ekPins.put({ slot: pin.slot, ekName: pin.ekName, ...signed }, ports.clock.wallMs());
      store.audit.append({ actor: `operator:${options.by.name}`, ...said, detail: `${ekName} (${pin.role})${options.reason === "" ? "" : `: ${options.reason}`}` });
    });
    for (const ek of new Set([pin.ekName, before.ekName])) if (ek !== null && pin.ekName !== before.ekName) askAnew(context, ek);
    return pinnedSlot(context, pin.slot) ?? before;
  } catch (error) {
    auditRefusal(context, { by: options.by.name, ...said }, error);
    throw error;
  }
}

/** The slot as it was, if this statement may change it. */
function checkPin(context: HubContext, pin: VerifiedEkPin["pin"]): Slot {
  const { trust, store, ports } = context;
  const delivered = trust.slots.get(pin.slot);
  if (delivered === undefined) throw new HubError("SLOT_UNKNOWN", `this cluster has no slot ${pin.slot}`);
  if (delivered.role !== pin.role) throw new HubError("SLOT_MISMATCH", `slot ${pin.slot} is for role ${delivered.role}, not ${pin.role}`);
  if (delivered.ekName !== null) throw new HubError("CONFLICT", `the build host's pin file pins slot ${pin.slot} already, and only a new delivery changes that`);
  if (pin.issuedAt > ports.clock.wallMs() + MAX_AHEAD_MS) throw new HubError("EK_PIN_INVALID", "the statement is from the future: your clock or the hub's is wrong");
  const last = statementOf(context, pin.slot);
  if (last !== null && pin.issuedAt <= last.pin.issuedAt) throw new HubError("ALREADY_DECIDED", `${last.operator} signed a newer statement about slot ${pin.slot}`);
  const holder = store.identities.bySlot(pin.slot);
  if (holder !== null && holder.ekName !== pin.ekName) throw new HubError("CONFLICT", `${holder.id} holds slot ${pin.slot} with another endorsement key; revoke it first`);
  if (pin.ekName !== null) checkEk(pin.slot, slotOfEk(context, pin.ekName), store.identities.byEk(pin.ekName));
  return pinnedSlot(context, pin.slot) ?? delivered;
}

/** One EK, one slot: neither pinned to another nor at work in another. */
function checkEk(slot: string, pinned: Slot | undefined, owner: Identity | null): void {
  if (pinned !== undefined && pinned.name !== slot) throw new HubError("CONFLICT", `this endorsement key is pinned to slot ${pinned.name} already`);
  if (owner !== null && holdsSlot(owner.state) && owner.state.slot !== slot) throw new HubError("CONFLICT", `the machine with this endorsement key holds slot ${owner.state.slot}`);
}

/** A verdict was given without the pin, or with it: whoever waits on it attests again. */
function askAnew(context: HubContext, ekName: string): void {
  const identity = context.store.identities.byEk(ekName);
  if (identity === null || (identity.state.t !== "pending" && identity.state.t !== "unanchored")) return;
  context.live.get(identity.id)?.refuse({ code: "ANCHOR_CHANGED", message: "an operator changed this machine's pin; its evidence is judged anew", retryAfterMs: RETRY_MS });
}
