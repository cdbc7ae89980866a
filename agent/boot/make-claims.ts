import type { Claims } from "../../proto/evidence/claims.ts";
import { toBase64 } from "../../proto/wire/base64.ts";
import { canonicalJson } from "../../proto/wire/json.ts";
import { createAttestor } from "../tpm/attestor.ts";
import { defineStep } from "./step.ts";

/** What this node says of itself, fixed for this boot; every quote is bound to it (DESIGN §2.8). */
export const makeClaims = defineStep({
  name: "make-claims",
  needs: ["config", "bootId", "hint", "keys", "identity", "issuers", "tpm", "measurer"],
  async run(_boot, { config, bootId, hint, keys, identity, issuers, tpm, measurer }) {
    const { wg1, wg2, wg3 } = keys.wireguard;
    const claims: Claims = {
      kind: "kubedos/claims",
      version: 1,
      stage: "admission",
      cluster: config.cluster,
      role: config.role,
      bootId,
      tls: toBase64(keys.tlsSpki),
      wireguard: { wg1: wg1.publicKey, wg2: wg2.publicKey, wg3: wg3.publicKey },
      hint: hint.raw,
      ...(issuers === null ? {} : { issuers }),
    };
    return { attestor: createAttestor(tpm, identity, measurer, canonicalJson(claims)) };
  },
});
