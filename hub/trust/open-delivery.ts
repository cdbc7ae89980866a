import type { KeyObject } from "node:crypto";
import { MAX_ENVELOPE_BYTES, openEnvelope, parseEnvelope } from "../../proto/dsse/dsse.ts";
import type { PkiRole } from "../../proto/pki/names.ts";
import { verifyIntermediate } from "../../proto/pki/verify.ts";
import { type Delivery, DELIVERY_TYPE, parseDelivery } from "../../proto/release/delivery.ts";
import type { ImageConfig } from "../../proto/release/image-config.ts";
import { parsePins, type Pins, PINS_TYPE } from "../../proto/release/pins.ts";
import { parseRelease, type Release, RELEASE_TYPE } from "../../proto/release/release.ts";
import { releaseKeysOf } from "../../proto/release/release-keys.ts";
import { fromBase64 } from "../../proto/wire/base64.ts";
import { equalBytes } from "../../proto/wire/bytes.ts";
import { ekTrustOf } from "./ek-trust.ts";
import { BootError } from "../boot-error.ts";
import type { Signed, Slot, Trust } from "./trust.ts";

/** What a delivery is measured by: all of it from the measured image or made by this hub. */
export interface DeliveryQuestion {
  readonly image: ImageConfig;
  /** SPKIs (DER) of the issuing keys that this hub made. */
  readonly issuers: { readonly hub: Uint8Array; readonly node: Uint8Array };
  readonly now: Date;
}

/**
 * Opens what the agent put into the mailbox. Accepts it only if: a release key of the image signed the delivery, each release and the
 * pins; all are for this cluster; the hub and node intermediates are over this hub's own keys; all three are constrained
 * to their role under the image's root; slots and indices occur once, the hub's slot among them. Throws
 * {@link BootError} `BAD_DELIVERY` or `WRONG_ISSUER` with the cause.
 */
export function openDelivery(data: Uint8Array, q: DeliveryQuestion): Trust {
  const keys = releaseKeysOf(q.image);
  const delivery = attempt("the delivery is not signed by a release key", () => parseDelivery(open(DELIVERY_TYPE, data, keys)));
  const releases = delivery.releases.map((text) =>
    attempt("a release in the delivery doesn't hold", () => signed(RELEASE_TYPE, text, keys, parseRelease)),
  );
  const pins = attempt("the pins in the delivery don't hold", () => signed(PINS_TYPE, delivery.pins, keys, parsePins));
  for (const cluster of [delivery.cluster, pins.value.cluster, ...releases.map((r) => r.value.cluster)]) {
    if (cluster !== q.image.cluster) throw new BootError("BAD_DELIVERY", `the delivery is for cluster ${cluster}, this is ${q.image.cluster}`);
  }
  return {
    ...readSlots(pins.value, delivery.slot),
    ek: ekTrustOf(pins.value),
    releases,
    pins,
    approvals: delivery.approvals.map((a) => ({ envelope: fromBase64(a.envelope), chain: a.chain.map(fromBase64) })),
    ...readIssuers(delivery, q),
  };
}

function readIssuers(delivery: Delivery, q: DeliveryQuestion): Pick<Trust, "hubIssuer" | "nodeIssuer" | "operatorIssuer"> {
  const check = (role: PkiRole, text: string, own: Uint8Array | null): Uint8Array => {
    const certificate = fromBase64(text);
    let spki: Uint8Array;
    try {
      ({ spki } = verifyIntermediate({ certificate, root: q.image.rootCa, role, cluster: q.image.cluster, now: q.now }));
    } catch (cause) {
      throw new BootError("WRONG_ISSUER", `the ${role} issuer in the delivery is not one under the image's root`, { cause });
    }
    if (own !== null && !equalBytes(spki, own)) throw new BootError("WRONG_ISSUER", `the ${role} issuer in the delivery is over another key than this hub's`);
    return certificate;
  };
  return {
    hubIssuer: check("hub", delivery.hubIssuer, q.issuers.hub),
    nodeIssuer: check("node", delivery.nodeIssuer, q.issuers.node),
    operatorIssuer: check("operator", delivery.operatorIssuer, null),
  };
}

function readSlots(pins: Pins, hubSlot: string): Pick<Trust, "hubSlot" | "slots" | "byEk"> {
  const slots = new Map<string, Slot>();
  const byEk = new Map<string, Slot>();
  const indices = new Set<number>();
  for (const slot of pins.slots) {
    const twice = slots.has(slot.name) || indices.has(slot.index) || (slot.ekName !== null && byEk.has(slot.ekName));
    if (twice) throw new BootError("BAD_DELIVERY", `slot ${slot.name} shares its name, index or EK with another`);
    slots.set(slot.name, slot);
    indices.add(slot.index);
    if (slot.ekName !== null) byEk.set(slot.ekName, slot);
  }
  if (!slots.has(hubSlot)) throw new BootError("BAD_DELIVERY", `the pins have no slot ${hubSlot} for this hub`);
  return { hubSlot, slots, byEk };
}

function signed<T extends Release | Pins>(type: string, text: string, keys: readonly KeyObject[], parse: (data: Uint8Array) => T): Signed<T> {
  const envelope = fromBase64(text);
  return { envelope, value: parse(open(type, envelope, keys)) };
}

function open(type: string, data: Uint8Array, keys: readonly KeyObject[]): Uint8Array {
  return openEnvelope(type, parseEnvelope(data), keys);
}

/** Largest delivery that is read at all: one envelope. */
export const MAX_DELIVERY_BYTES = MAX_ENVELOPE_BYTES;

function attempt<T>(message: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw new BootError("BAD_DELIVERY", message, { cause });
  }
}
