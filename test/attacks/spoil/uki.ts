import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { signPe } from "../../../builder/sign/sign-pe.ts";
import { ukiFile } from "../../../builder/release/release-files.ts";
import { assembleUki, type UkiParts } from "../../../builder/uki/assemble.ts";
import { unpackUki } from "../../../builder/uki/unpack.ts";
import type { Demo } from "../../../demo/demo.ts";

/** systemd's EFI stub in the toolchain. */
const STUB = "usr/lib/systemd/boot/efi/linuxx64.efi.stub";

/** The parts of a role's UKI, as the release has them. */
export async function ukiParts(demo: Demo, role = "worker"): Promise<UkiParts> {
  const stub = new Uint8Array(await readFile(join(demo.built.tc.tree, STUB)));
  return { ...unpackUki(new Uint8Array(await demo.releaseFile(ukiFile(role)))), stub };
}

/** What the holder of the db key makes of the release's UKI: parts changed, signed again. */
export async function resignUki(demo: Demo, change: (parts: UkiParts) => UkiParts | Promise<UkiParts>): Promise<Uint8Array> {
  return await signWithDb(demo, assembleUki(await change(await ukiParts(demo))));
}

/** Any unsigned PE image with the signature of the cluster's db key. */
export async function signWithDb(demo: Demo, image: Uint8Array): Promise<Uint8Array> {
  const { db, dbKey } = demo.built.keys;
  return await signPe(image, dbKey, db);
}
