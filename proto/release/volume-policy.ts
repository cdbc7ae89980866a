import { PHASE_WORDS } from "../evidence/limits.ts";
import { sha256, utf8 } from "../wire/bytes.ts";

/**
 * PCRs that a data volume's key is sealed for (docs/volumes.md): 4, since firmware measures there what it starts; 7, Secure Boot by our keys; 11,
 * the UKI's sections and our words; 12, nothing handed to the stub. The stub measures PCR 11, so alone it would say nothing: any
 * program that runs instead can extend it.
 */
export const VOLUME_PCRS: readonly number[] = [4, 7, 11, 12];

/** The last word in PCR 11 while volumes can be opened. The next one, at the latest when the node is admitted, closes them for this boot. */
export const VOLUME_WORD = "kubedos-agent" satisfies (typeof PHASE_WORDS)[number];

/** Name of the partition that holds the approvals for the image beside it, in the form of pcr-signatures.ts, padded by zeros. */
export const VOLUME_POLICY_PARTITION = "kubedos-policy";

/** policyRef of approvals for the volumes of one role: those for another role or another purpose open nothing. */
export function volumePolicyRef(cluster: string, role: string): Uint8Array {
  return sha256(utf8(`kubedos-volumes-v1\0${cluster}\0${role}`));
}
