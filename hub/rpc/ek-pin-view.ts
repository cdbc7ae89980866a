import type { EkPin } from "../../proto/gen/kubedos/v1/admin.ts";
import { operatorPin, statementOf } from "../enroll/ek-pins.ts";
import type { HubContext } from "../enroll/hub-context.ts";
import type { Slot } from "../trust/trust.ts";

/** A slot's pin as operators see it. */
export function viewEkPin(context: HubContext, { name, role, ekName: delivered }: Pick<Slot, "name" | "role" | "ekName">): EkPin {
  const statement = delivered === null ? statementOf(context, name) : null;
  const pinned = delivered ?? operatorPin(context, name)?.ekName ?? null;
  return {
    slot: name,
    role,
    ekName: pinned ?? "",
    source: delivered !== null ? "delivery" : pinned === null ? "" : "operator",
    operator: statement?.operator ?? "",
    issuedAtMs: BigInt(statement?.pin.issuedAt ?? 0),
    node: (pinned === null ? null : context.store.identities.byEk(pinned))?.id ?? "",
  };
}

/** Every slot of the cluster, in the order of the pin file. */
export function viewEkPins(context: HubContext): EkPin[] {
  return [...context.trust.slots.values()].map((slot) => viewEkPin(context, slot));
}
