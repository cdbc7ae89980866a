import { encodePcrSignatures } from "../../proto/release/pcr-signatures.ts";
import { volumePolicyRef } from "../../proto/release/volume-policy.ts";
import { approvedMessage } from "../../proto/tpm/policy-key.ts";
import { sha256 } from "../../proto/wire/bytes.ts";
import { phasePolicy, volumePolicy } from "../measure/policy.ts";
import type { SecureBootKeys } from "../efi/secure-boot-variables.ts";
import type { PrivateKey } from "../keys/private-key.ts";
import { checkSignedUki, checkUki } from "./check-uki.ts";

/**
 * What the policy key approves: a whole UKI, never a digest. phase: PCR 11 alone, for `.pcrsig`; `uki` isn't signed yet. volumes: what the data volumes of a
 * role are sealed for; `uki` is then the finished file.
 */
export type PolicyRequest =
  | { readonly purpose: "phase"; readonly uki: Uint8Array; readonly role: string }
  | { readonly purpose: "volumes"; readonly uki: Uint8Array; readonly role: string };

/** The approval, in systemd's form (proto/release/pcr-signatures.ts). RSASSA-PKCS1-v1_5, so the same request gives the same bytes. Throws PeError or SignerError. */
export async function signPolicy(request: PolicyRequest, keys: SecureBootKeys & { readonly cluster: string; readonly policySigningKey: PrivateKey }): Promise<Uint8Array> {
  const { purpose, uki, role } = request;
  if (purpose === "phase") checkUki(uki, keys.cluster, role);
  else checkSignedUki(uki, keys.cluster, role);
  const { pcrs, policy } = request.purpose === "phase" ? phasePolicy(request.uki) : volumePolicy(request.uki, keys);
  const policyRef = request.purpose === "phase" ? new Uint8Array(0) : volumePolicyRef(keys.cluster, request.role);
  const signature = await keys.policySigningKey.sign(approvedMessage(policy, policyRef));
  const keyDigest = sha256(new Uint8Array(keys.policySigningKey.publicKey.export({ type: "pkcs1", format: "der" })));
  return encodePcrSignatures([{ pcrs, keyDigest, policy, signature }]);
}
