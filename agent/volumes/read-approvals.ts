import { MAX_PCR_SIGNATURES_BYTES, type PcrApproval, parsePcrSignatures } from "../../proto/release/pcr-signatures.ts";
import { VOLUME_POLICY_PARTITION } from "../../proto/release/volume-policy.ts";
import { PATHS } from "../paths.ts";
import type { Files } from "../ports.ts";
import type { BlockDevices } from "./ports.ts";

/** A disk or two may bear a partition of that name; more is somebody's play. */
const MAX_PARTITIONS = 4;

/** What the partitions of approvals hold; of those that can't be read, nothing. Unverified: a TPM takes none that the policy key didn't sign. */
export async function readApprovals({ files, blocks }: { readonly files: Files; readonly blocks: BlockDevices }): Promise<readonly PcrApproval[]> {
  const found: PcrApproval[] = [];
  let partitions = 0;
  for (const device of await files.list(PATHS.partitions)) {
    const uevent = await files.read(`${PATHS.partitions}/${device}/uevent`, 4096);
    if (uevent === null || !new TextDecoder().decode(uevent).split("\n").includes(`PARTNAME=${VOLUME_POLICY_PARTITION}`)) continue;
    if (++partitions > MAX_PARTITIONS) break;
    found.push(...parsePadded(await blocks.read(`/dev/${device}`, 0, MAX_PCR_SIGNATURES_BYTES)));
  }
  return found;
}

function parsePadded(data: Uint8Array): readonly PcrApproval[] {
  try {
    return parsePcrSignatures(data.subarray(0, data.indexOf(0)));
  } catch {
    return [];
  }
}
