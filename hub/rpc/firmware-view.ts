import type { Node } from "../../proto/gen/kubedos/v1/admin.ts";
import { firmwareChange } from "../attest/firmware-change.ts";
import type { Finding } from "../attest/finding.ts";
import type { Identity } from "../db/identities.ts";
import { certificateOf } from "../enroll/ek-anchor.ts";
import type { HubContext } from "../enroll/hub-context.ts";
import { factsOf } from "../enroll/state.ts";

/** What an identity's firmware is now and what of it is new since its approval. */
export function viewFirmware({ state, baseline }: Pick<Identity, "state" | "baseline">): Pick<Node, "firmware" | "firmwareBefore" | "firmwareChange" | "eligible"> {
  const facts = factsOf(state);
  const change = changeOf({ state, baseline });
  return {
    firmware: { ...facts?.firmware.values },
    firmwareBefore: change === null ? {} : { ...baseline?.values },
    firmwareChange: change?.summary ?? "",
    eligible: state.t === "quarantined" && facts !== null,
  };
}

/**
 * Findings of a node for people: those of its last evidence; of a quarantined one those that put it there, and where that was its
 * firmware, what differs now from the one on record.
 */
export function findingsOf(context: HubContext, id: string): readonly Finding[] {
  const identity = context.store.identities.byId(id);
  if (identity?.state.t === "quarantined" && identity.state.code === "FIRMWARE_CHANGED" && identity.state.facts !== undefined) {
    return changeOf(identity)?.findings ?? [];
  }
  return context.store.evidence.findings(id);
}

/** Why the certificate that a node's TPM showed doesn't vouch for it; none: it does, or there is none. */
export function anchorFindingsOf(context: HubContext, id: string): readonly Finding[] {
  const identity = id === "" ? null : context.store.identities.byId(id);
  const certificate = identity === null ? null : certificateOf(context, identity);
  return certificate === null || certificate.ok ? [] : certificate.findings;
}

/** What lies between the firmware on record and that of its last good evidence; null: nothing, or one of them isn't there. */
export function changeOf({ state, baseline }: Pick<Identity, "state" | "baseline">): ReturnType<typeof firmwareChange> {
  const facts = factsOf(state);
  return facts === null || baseline === null ? null : firmwareChange(baseline, facts.firmware);
}
