import type { KeyObject } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { parsePe } from "../builder/pe/parse.ts";
import { signPe } from "../builder/sign/sign-pe.ts";
import type { Toolchain } from "../builder/toolchain/ensure-toolchain.ts";
import { runTool } from "../builder/toolchain/run-tool.ts";

/** The word in the UKI's os-release section that is changed, and what it becomes: same length, so nothing moves. */
export const ALTERED_WORD = { from: "NAME=kubedos", to: "NAME=kubedoz" } as const;

/** ESP of our disks: the first partition, at 1 MiB. */
const ESP_OFFSET = "1M";

/** Who alters an image after the build and holds the very key that signed it. */
export interface AlterRequest {
  readonly uki: string;
  readonly disk: string;
  readonly dbKey: KeyObject;
  readonly db: Uint8Array;
  /** Raw disk to write. */
  readonly out: string;
}

/** Writes a disk that the firmware starts without complaint: another word in os-release, signed again with db. */
export async function alterDisk(tc: Toolchain, request: AlterRequest): Promise<void> {
  const work = dirname(request.out);
  const uki = join(work, "altered.efi");
  await writeFile(uki, signPe(alterUki(new Uint8Array(await readFile(request.uki))), request.dbKey, request.db));
  const binds = { binds: [work], readBinds: [dirname(request.disk)] };
  await runTool(tc, ["qemu-img", "convert", "-f", "qcow2", "-O", "raw", request.disk, request.out], binds);
  await runTool(tc, ["mcopy", "-o", "-i", `${request.out}@@${ESP_OFFSET}`, uki, "::/EFI/BOOT/BOOTX64.EFI"], binds);
}

/** Signed UKI → the same one, unsigned, with one word changed. */
function alterUki(signed: Uint8Array): Uint8Array {
  const image = parsePe(signed);
  const unsigned = signed.slice(0, image.certificates.offset);
  new DataView(unsigned.buffer).setBigUint64(image.securityEntryOffset, 0n);
  const section = image.sections.find((s) => s.name === ".osrel");
  const at = section === undefined ? -1 : Buffer.from(section.data).indexOf(`\n${ALTERED_WORD.from}\n`);
  if (section === undefined || at < 0) throw new Error("the UKI's os-release section has no NAME to change");
  unsigned.set(Buffer.from(ALTERED_WORD.to), section.rawOffset + at + 1);
  return unsigned;
}
