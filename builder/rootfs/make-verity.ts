import { stat } from "node:fs/promises";
import { dirname } from "node:path";
import type { Toolchain } from "../toolchain/ensure-toolchain.ts";
import { runTool } from "../toolchain/run-tool.ts";

/** dm-verity's block size here, for data and for hashes. */
export const VERITY_BLOCK = 4096;

/** Everything init needs to open the device; sealed in the initrd and the command line, so no superblock is trusted. */
export interface VerityFacts {
  /** SHA-256, lower-case hex. */
  readonly rootHash: string;
  /** Data blocks of {@link VERITY_BLOCK} bytes. */
  readonly dataBlocks: number;
  /** Lower-case hex. */
  readonly salt: string;
}

/** What makes the hash tree a function of the image. */
export interface VerityOptions {
  readonly uuid: string;
  /** 32 bytes as lower-case hex. */
  readonly salt: string;
  readonly signal?: AbortSignal;
}

/** Image → hash tree at `out` (with a superblock in its first block, for other tools). Throws ToolError. */
export async function makeVerity(tc: Toolchain, image: string, out: string, options: VerityOptions): Promise<VerityFacts> {
  const { stdout } = await runTool(
    tc,
    ["veritysetup", "format", `--uuid=${options.uuid}`, `--salt=${options.salt}`, "--hash=sha256",
      `--data-block-size=${VERITY_BLOCK}`, `--hash-block-size=${VERITY_BLOCK}`, image, out],
    {
      binds: [dirname(out)],
      readBinds: [image],
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    },
  );
  const rootHash = /^Root hash:\s+([0-9a-f]{64})$/m.exec(stdout)?.[1];
  if (rootHash === undefined) throw new Error("veritysetup printed no root hash");
  const { size } = await stat(image);
  if (size % VERITY_BLOCK !== 0) throw new Error(`image of ${size} bytes is not made of ${VERITY_BLOCK}-byte blocks`);
  return { rootHash, dataBlocks: size / VERITY_BLOCK, salt: options.salt };
}
