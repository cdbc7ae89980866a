import { openEnvelope, parseEnvelope } from "../../proto/dsse/dsse.ts";
import { type Approval, APPROVAL_TYPE, parseApproval } from "../../proto/release/approval.ts";
import { verifyIdentity } from "../../proto/pki/verify.ts";
import { BootError } from "../boot-error.ts";
import type { StoredApproval } from "../db/approvals.ts";
import type { Store } from "../db/store.ts";
import type { Trust } from "./trust.ts";

/**
 * Makes a verified delivery the one that counts: the serial of the pins and the newest release's generation never fall
 * (DESIGN §2.6), and its approvals are stored beside those that come later. Throws {@link BootError} `ROLLED_BACK`,
 * and `BAD_DELIVERY` for an approval that no operator of this cluster signed.
 */
export function acceptTrust(trust: Trust, options: { readonly store: Store; readonly cluster: string; readonly rootCa: string; readonly nowMs: number }): void {
  const { store, nowMs } = options;
  const approvals = trust.approvals.map((approval) => ({ approval, says: readDelivered(approval, options) }));
  const generation = Math.max(...trust.releases.map((r) => r.value.generation));
  const { serial } = trust.pins.value;
  store.transaction(() => {
    if (serial < store.meta.counter("pins_serial")) {
      throw new BootError("ROLLED_BACK", `pins of serial ${serial} were delivered, newer ones were seen already`);
    }
    if (generation < store.meta.counter("release_generation")) {
      throw new BootError("ROLLED_BACK", `a release of generation ${generation} was delivered, a newer one was seen already`);
    }
    store.meta.raise("pins_serial", serial);
    store.meta.raise("release_generation", generation);
    store.documents.keep("pins", serial, trust.pins.envelope, nowMs);
    for (const release of trust.releases) store.documents.keep("release", release.value.generation, release.envelope, nowMs);
    for (const { approval, says } of approvals) store.approvals.add(says.ekName, says.identityGeneration, approval, nowMs);
    store.audit.append({ actor: "hub", action: "deliver", subject: trust.hubSlot, detail: `pins ${serial}, release generation ${generation}` });
  });
}

function readDelivered(stored: StoredApproval, options: { readonly cluster: string; readonly rootCa: string; readonly nowMs: number }): Approval {
  try {
    const { cluster, rootCa: root } = options;
    const operator = verifyIdentity({ chain: stored.chain, root, role: "operator", cluster, now: new Date(options.nowMs) });
    return parseApproval(openEnvelope(APPROVAL_TYPE, parseEnvelope(stored.envelope), [operator.key]));
  } catch (cause) {
    throw new BootError("BAD_DELIVERY", "an approval in the delivery is not an operator's word", { cause });
  }
}
