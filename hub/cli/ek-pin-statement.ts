import type { EkPin as EkPinView, SignedStatement } from "../../proto/gen/kubedos/v1/admin.ts";
import { EK_PIN_TYPE, ekPinSchema } from "../../proto/release/ek-pin.ts";
import { CliError } from "./cli-error.ts";
import type { Admin } from "./connect/admin.ts";
import type { OperatorIdentity } from "./connect/identity.ts";
import { printable } from "./output/printable.ts";
import { signStatement } from "./sign-statement.ts";

/** The slot as the hub has it. Throws CliError `SLOT_UNKNOWN`, or `CONFLICT` where the build host pinned it: no operator changes that. */
export async function findSlot(hub: Admin, name: string): Promise<EkPinView> {
  const slot = (await hub.listEkPins()).find((pin) => pin.slot === name);
  if (slot === undefined) throw CliError.local("SLOT_UNKNOWN", `this cluster has no slot ${name}`, "kubedos-hub ek list");
  if (slot.source === "delivery") {
    throw CliError.local("CONFLICT", `slot ${name} was stamped by the build host, for …${printable(slot.ekName).slice(-8)}; only a new delivery changes that`, "kubedos-hub ek list");
  }
  return slot;
}

/**
 * An operator's statement about which EK a slot is for (null: none in particular), signed with his own key. The role is the hub's word, so it
 * passes the schema before a key touches it. Throws CliError `HUB_UNTRUSTED`.
 */
export function signEkPin(operator: OperatorIdentity, slot: Pick<EkPinView, "slot" | "role">, said: { readonly ekName: string | null; readonly issuedAt: number }): SignedStatement {
  const { slot: name, role } = slot;
  const parsed = ekPinSchema.safeParse({ kind: "kubedos/ek-pin", version: 1, cluster: operator.cluster, slot: name, role, ...said });
  if (!parsed.success) throw CliError.local("HUB_UNTRUSTED", `the hub's words about slot ${name} can't be signed: ${parsed.error.issues[0]?.message}`, "kubedos-hub health");
  return signStatement(EK_PIN_TYPE, parsed.data, operator);
}
