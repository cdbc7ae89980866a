import { readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { OpenKeys } from "../builder/keys/open-keys.ts";
import { signPe } from "../builder/sign/sign-pe.ts";
import type { Toolchain } from "../builder/toolchain/ensure-toolchain.ts";
import { runTool } from "../builder/toolchain/run-tool.ts";
import { assembleUki } from "../builder/uki/assemble.ts";
import { unpackUki } from "../builder/uki/unpack.ts";

/** The word in the UKI's os-release section that is changed, and what it becomes. */
export const ALTERED_WORD = { from: "NAME=kubedos", to: "NAME=kubedoz" } as const;

/** ESP of our disks: the first partition, at 1 MiB. */
const ESP_OFFSET = "1M";

/** systemd's EFI stub in the toolchain. */
const STUB = "usr/lib/systemd/boot/efi/linuxx64.efi.stub";

/** Who alters an image after the build and holds the very key that signed it. */
export interface AlterRequest {
  readonly uki: string;
  readonly disk: string;
  readonly keys: Pick<OpenKeys, "db" | "dbKey">;
  /** Raw disk to write. */
  readonly out: string;
}

/** Writes a disk that the firmware starts without complaint: another word in os-release, signed again with db. */
export async function alterDisk(tc: Toolchain, request: AlterRequest): Promise<void> {
  const work = dirname(request.out);
  const uki = join(work, "altered.efi");
  const parts = unpackUki(new Uint8Array(await readFile(request.uki)));
  const stub = new Uint8Array(await readFile(join(tc.tree, STUB)));
  await writeFile(uki, await signPe(assembleUki({ ...parts, stub, osrel: alterText(parts.osrel) }), request.keys.dbKey, request.keys.db));
  const binds = { binds: [work], readBinds: [dirname(request.disk)] };
  await runTool(tc, ["qemu-img", "convert", "-f", "qcow2", "-O", "raw", request.disk, request.out], binds);
  await runTool(tc, ["mcopy", "-o", "-i", `${request.out}@@${ESP_OFFSET}`, uki, "::/EFI/BOOT/BOOTX64.EFI"], binds);
}

function alterText(osrel: Uint8Array): Uint8Array {
  const text = new TextDecoder().decode(osrel);
  if (!text.includes(ALTERED_WORD.from)) throw new Error("the UKI's os-release section has no NAME to change");
  return new TextEncoder().encode(text.replace(ALTERED_WORD.from, ALTERED_WORD.to));
}
