import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { MAX_PCR_SIGNATURES_BYTES } from "../../proto/release/pcr-signatures.ts";
import { guidText } from "../efi/guid.ts";
import type { Toolchain } from "../toolchain/ensure-toolchain.ts";
import { runTool } from "../toolchain/run-tool.ts";
import { deriveBytes } from "./derive.ts";
import { makeEsp } from "./make-esp.ts";
import { writeDisk } from "./write-disk.ts";

/** One image's disk to be made. Paths are absolute. */
export interface DiskRequest {
  readonly uki: string;
  readonly root: string;
  readonly verity: string;
  readonly rootHash: string;
  /** Contents of the partition of approvals; null: there is none. */
  readonly volumePolicy: Uint8Array | null;
  readonly epoch: number;
  /** File to write; it must not exist. */
  readonly out: string;
  readonly signal?: AbortSignal;
}

/** A bootable qcow2. Every identifier derives from the root hash; the same request gives the same bytes. Throws ToolError. */
export async function makeDisk(tc: Toolchain, request: DiskRequest): Promise<void> {
  const work = await mkdtemp(join(dirname(request.out), ".disk-"));
  const signal = request.signal === undefined ? {} : { signal: request.signal };
  const derived = (label: string, bytes: number) => deriveBytes(request.rootHash, label, bytes);
  try {
    const [esp, raw, policy] = [join(work, "esp.img"), join(work, "disk.raw"), join(work, "policy")];
    if (request.volumePolicy !== null) await writeFile(policy, padPolicy(request.volumePolicy));
    const { size: ukiSize } = await stat(request.uki);
    await makeEsp(tc, { uki: request.uki, ukiSize, out: esp, volumeId: derived("esp volume", 4), epoch: request.epoch, ...signal });
    const guids = { diskGuid: guidText(derived("disk", 16)), espGuid: guidText(derived("esp", 16)), policyGuid: guidText(derived("policy", 16)) };
    await writeDisk({ esp, root: request.root, verity: request.verity, rootHash: request.rootHash, policy: request.volumePolicy === null ? null : policy, ...guids }, raw);
    // zstd takes less time than writing what it saves, which is more than half; unpacking is the host's work, at native speed.
    await runTool(tc, ["qemu-img", "convert", "-c", "-f", "raw", "-O", "qcow2", "-o", "compression_type=zstd", raw, request.out], { binds: [work, dirname(request.out)], ...signal });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Zeros behind the approvals, so that the partition has the size that the agent reads. */
function padPolicy(policy: Uint8Array): Uint8Array {
  const padded = new Uint8Array(MAX_PCR_SIGNATURES_BYTES);
  padded.set(policy);
  return padded;
}
