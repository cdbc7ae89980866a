import { copyFile, mkdir, mkdtemp, rm, truncate, utimes, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Toolchain } from "../toolchain/ensure-toolchain.ts";
import { runTool } from "../toolchain/run-tool.ts";

/** FAT32 needs 65,525 clusters at least; with the UKI of today there is space for two more. */
const MIN_ESP_BYTES = 64 * 2 ** 20;
const MIB = 2 ** 20;

/** An EFI system partition that holds one UKI, started by firmware itself. */
export interface EspRequest {
  readonly uki: string;
  /** Bytes of the UKI. */
  readonly ukiSize: number;
  /** File to write. */
  readonly out: string;
  /** Eight hex digits. */
  readonly volumeId: string;
  /** Seconds; every time in the file system. */
  readonly epoch: number;
  readonly signal?: AbortSignal;
}

/** FAT32 with `\EFI\BOOT\BOOTX64.EFI` and nothing else. The same request gives the same bytes. Throws ToolError. */
export async function makeEsp(tc: Toolchain, request: EspRequest): Promise<void> {
  const { out, epoch } = request;
  const signal = request.signal === undefined ? {} : { signal: request.signal };
  const size = Math.max(MIN_ESP_BYTES, Math.ceil((request.ukiSize * 1.25) / MIB) * MIB);
  const tree = await mkdtemp(join(dirname(out), ".esp-"));
  try {
    await mkdir(join(tree, "EFI/BOOT"), { recursive: true });
    await copyFile(request.uki, join(tree, "EFI/BOOT/BOOTX64.EFI"));
    for (const path of ["EFI/BOOT/BOOTX64.EFI", "EFI/BOOT", "EFI"]) await utimes(join(tree, path), epoch, epoch);
    await writeFile(out, "");
    await truncate(out, size);
    const options = { binds: [dirname(out)], env: { SOURCE_DATE_EPOCH: String(epoch), TZ: "UTC", MTOOLS_SKIP_CHECK: "1" }, ...signal };
    await runTool(tc, ["mkfs.vfat", "--invariant", "-F", "32", "-s", "1", "-n", "KUBEDOS", "-i", request.volumeId, out], options);
    // -m keeps the clamped times; without it mtools writes the present ones.
    await runTool(tc, ["mcopy", "-s", "-m", "-i", out, join(tree, "EFI"), "::"], options);
  } finally {
    await rm(tree, { recursive: true, force: true });
  }
}
