import { readFileSync } from "node:fs";
import { join } from "node:path";
import { zstdDecompressSync } from "node:zlib";
import t from "tap";
import { defaultCacheDir, ensureToolchain } from "../toolchain/ensure-toolchain.ts";
import { ensureBase } from "./ensure-base.ts";

const say = (line: string): void => void t.comment(line);
const tc = await ensureToolchain(defaultCacheDir, say);
const base = await ensureBase(defaultCacheDir, tc, say);

/** The kernel itself out of a bzImage (Documentation/arch/x86/boot.rst: setup_sects, payload_offset, payload_length). */
function unpackKernel(image: Buffer): Buffer {
  const setup = ((image[0x1f1] ?? 0) || 4) + 1;
  const offset = setup * 512 + image.readUInt32LE(0x248);
  // Behind the compressed data stands its size, four bytes.
  return zstdDecompressSync(image.subarray(offset, offset + image.readUInt32LE(0x24c) - 4));
}

// The agent learns of a snapshot from these words alone (agent/host/kernel-forks.ts); a kernel that says others must be looked at.
t.test("the kernel has the vmgenid device's driver, and says in these words that its machine was set back", async (t) => {
  const builtin = readFileSync(join(base.tree, "usr/lib/modules", base.kernelRelease, "modules.builtin"), "utf8");
  t.match(builtin, /^kernel\/drivers\/virt\/vmgenid\.ko$/m, "built in: nothing has to load it");
  const kernel = unpackKernel(readFileSync(base.kernel));
  t.ok(kernel.includes("crng reseeded due to virtual machine fork\n"));
  t.notOk(kernel.includes("NEW_VMGENID="), "and nothing else: once it sends an event, udev is the better way");
});
