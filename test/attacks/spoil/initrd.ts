import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { cpioArchive, type CpioEntry } from "../../../builder/initrd/cpio.ts";
import { runTool } from "../../../builder/toolchain/run-tool.ts";
import { concatBytes } from "../../../proto/wire/bytes.ts";
import type { AttackWorld } from "../world.ts";

const initSource = fileURLToPath(new URL("../../../builder/initrd/init.c", import.meta.url));

/** What {@link credulousInit} writes to the console, so that it's known to have run. */
export const CREDULOUS_WORDS = "this init takes any command line";

/** Our init without its refusal of other command lines; everything else, and every word that it extends, is the same. */
export async function credulousInit(world: AttackWorld): Promise<Uint8Array> {
  const source = await readFile(initSource, "utf8");
  const blind = source.replace(/if \(a != b \|\| memcmp\(sealed, given, a\)\)/, `say("${CREDULOUS_WORDS}");\n\tif (0 && (a != b || memcmp(sealed, given, a)))`);
  if (blind === source) throw new Error("init.c no longer compares the command line where it did");
  const out = join(world.dir, "init");
  const { tc } = world.demo.built;
  await runTool(tc, ["gcc", "-std=gnu17", "-static", "-Os", "-s", "-w", "-o", out, "-x", "c", "-"], { binds: [world.dir], input: Buffer.from(blind) });
  return new Uint8Array(await readFile(out));
}

/** An initrd with more behind it: the kernel unpacks one archive after the other, and the later file wins. Each begins at a multiple of 4. */
export function appendToInitrd(initrd: Uint8Array, entries: readonly CpioEntry[]): Uint8Array {
  return concatBytes(initrd, new Uint8Array((4 - (initrd.length % 4)) % 4), cpioArchive(entries));
}

/** An add-on for the stub (UAPI.5): words for the command line, and an initrd. Not signed yet. */
export async function makeAddon(world: AttackWorld, addon: { readonly cmdline: string; readonly entries: readonly CpioEntry[] }): Promise<Uint8Array> {
  const { tc } = world.demo.built;
  const [initrd, cmdline, out] = ["addon.cpio", "addon.cmdline", "addon.efi"].map((name) => join(world.dir, name)) as [string, string, string];
  await writeFile(initrd, cpioArchive(addon.entries));
  await writeFile(cmdline, addon.cmdline);
  const stub = "/usr/lib/systemd/boot/efi/addonx64.efi.stub";
  await runTool(tc, ["ukify", "build", `--stub=${stub}`, `--cmdline=@${cmdline}`, `--initrd=${initrd}`, `--output=${out}`], { binds: [world.dir] });
  return new Uint8Array(await readFile(out));
}
