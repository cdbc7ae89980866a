import { z } from "zod";
import { planeName } from "../../proto/evidence/claims.ts";
import { dnsLabel, hexText } from "../../proto/wire/text.ts";
import type { Plane } from "../../proto/release/image-config.ts";
import type { SlotState } from "../enroll/state.ts";
import type { Slot } from "../trust/trust.ts";
import { addressIn } from "./address.ts";

const base64 = z.string().max(131072);

/** A node that has a place in the planes: what its peers are told of it. */
export const memberSchema = z.strictObject({
  id: hexText(6),
  name: dnsLabel,
  role: dnsLabel,
  index: z.int(),
  /** Whether it is the hub's own node, the centre of hub-and-spoke. */
  hub: z.boolean(),
  planes: z.array(z.strictObject({ plane: planeName, publicKey: z.string(), address: z.string(), endpoint: z.string() })),
  /** The operator's statement, base64, for its peers to verify. */
  approval: z.strictObject({ envelope: base64, chain: z.array(base64) }),
});
/** See {@link memberSchema}. */
export type Member = z.output<typeof memberSchema>;

/**
 * What peers are told of an admitted node. Only the hub's node has an endpoint, from its own hint: spokes dial it, it
 * dials nobody. Throws HubError `PLANE_FULL`.
 */
export function memberOf(options: {
  readonly id: string;
  readonly slot: Slot;
  readonly hubSlot: string;
  readonly state: SlotState;
  readonly planes: readonly Plane[];
  readonly approval: Member["approval"];
}): Member {
  const { id, slot, state } = options;
  const hub = slot.name === options.hubSlot;
  const host = hub ? state.facts.hubHost : null;
  return {
    id,
    name: slot.name,
    role: slot.role,
    index: slot.index,
    hub,
    planes: options.planes.map((plane) => ({
      plane: plane.name,
      publicKey: state.facts.wireguard[plane.name],
      address: `${addressIn(plane.cidr, slot.index)}/32`,
      endpoint: host === null ? "" : `${host}:${plane.port}`,
    })),
    approval: options.approval,
  };
}
