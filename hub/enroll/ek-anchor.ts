import { sha256 } from "../../proto/wire/bytes.ts";
import { toHex } from "../../proto/wire/hex.ts";
import { ATTEST_CODES } from "../attest/codes.ts";
import { type EkCertificateVerdict, verifyEkCertificate } from "../attest/ek-certificate.ts";
import type { AttestedFacts } from "../attest/types.ts";
import type { ShownCertificate } from "../db/ek-certificates.ts";
import type { Identity } from "../db/identities.ts";
import type { Slot } from "../trust/trust.ts";
import { BriefMemo } from "./brief-memo.ts";
import { operatorPin, operatorPinnedSlot } from "./ek-pins.ts";
import type { HubContext } from "./hub-context.ts";

type Machine = Pick<Identity, "id" | "ekName" | "ekPublic">;

/** Who vouches for which EK now (DESIGN §2.7): the build host's pins, then operators', then the TPM's own certificate. */
export interface Anchors {
  /** A slot with the EK that it is pinned to, by whomever. */
  readonly slots: { get(name: string): Slot | undefined };
  /** The slot that this EK is pinned to. */
  readonly byEk: { get(ekName: string): Slot | undefined };
  /** Whether the machine's own certificate leads to a configured root. */
  certifies(machine: Machine): boolean;
}

/** The anchors as they count at each question: nothing of them is kept from one to the next. */
export function anchorsOf(context: HubContext): Anchors {
  return {
    slots: { get: (name) => pinnedSlot(context, name) },
    byEk: { get: (ekName) => slotOfEk(context, ekName) },
    certifies: (machine) => certificateOf(context, machine)?.ok === true,
  };
}

/** A slot with the EK that it is pinned to now; undefined: there is no such slot. */
export function pinnedSlot(context: HubContext, name: string): Slot | undefined {
  const slot = context.trust.slots.get(name);
  if (slot === undefined || slot.ekName !== null) return slot;
  const pin = operatorPin(context, name);
  return pin === null ? slot : { ...slot, ekName: pin.ekName };
}

/** The slot that an EK is pinned to now; undefined: none. */
export function slotOfEk(context: HubContext, ekName: string): Slot | undefined {
  const delivered = context.trust.byEk.get(ekName);
  if (delivered !== undefined) return delivered;
  const name = operatorPinnedSlot(context, ekName);
  return name === null ? undefined : pinnedSlot(context, name);
}

/** What vouches for a machine's EK now, and why its certificate doesn't where it shows one. */
export function anchorOf(context: HubContext, machine: Machine): { readonly anchor: AttestedFacts["anchor"]; readonly slot: Slot | undefined; readonly certificate: EkCertificateVerdict | null } {
  const slot = slotOfEk(context, machine.ekName);
  const certificate = certificateOf(context, machine);
  return { anchor: slot !== undefined ? "pinned" : certificate?.ok === true ? "certificate" : "none", slot, certificate };
}

/** The verdict over the certificate that a machine showed last, by the roots and the time of now; null: it showed none. */
export function certificateOf(context: HubContext, machine: Machine): EkCertificateVerdict | null {
  const shown = context.store.ekCertificates.get(machine.id);
  return shown === null ? null : judgeCertificate(context, machine, shown);
}

const memo = new BriefMemo<EkCertificateVerdict>();

/**
 * The verdict over what a machine shows; null: it shows no certificate. Only for machines that have brought their challenge's secret: what
 * strangers send costs no signature check. Dates are held against the highest date that the hub has seen, its image's at least
 * (DESIGN §2.16).
 */
export function judgeCertificate(context: HubContext, machine: Machine, { certificate, intermediates }: ShownCertificate): EkCertificateVerdict | null {
  if (certificate.length === 0) return null;
  const { trust, ports, image } = context;
  const { ekPublic } = machine;
  const key = toHex(sha256(sha256(ekPublic), sha256(certificate), sha256(...intermediates)));
  const verdict = memo.get(trust, key, ports.clock.monotonicMs(), () => {
    const now = new Date(Math.max(ports.clock.wallMs(), image.epoch * 1000));
    return verifyEkCertificate({ ekPublic, certificate, intermediates }, trust.ek, now);
  });
  // Of a row that somebody edited: another EK's certificate with its key.
  return verdict.ok && verdict.certificate.ekName !== machine.ekName ? foreignCertificate(machine.ekName, verdict.certificate.ekName) : verdict;
}

function foreignCertificate(expected: string, found: string): EkCertificateVerdict {
  const code = "EK_CERTIFICATE_KEY_WRONG";
  const { text: message, cause } = ATTEST_CODES[code];
  return { ok: false, code, message, findings: [{ at: "field", code, field: "ek.certificate", what: "key that the certificate is about", expected, found, cause }] };
}
