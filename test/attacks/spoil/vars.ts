import { copyFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { secureBootVariables, SECURE_BOOT_SETTINGS } from "../../../builder/efi/secure-boot-variables.ts";
import { makeVariableStore } from "../../../builder/efi/variable-store.ts";
import { OVMF_VARS } from "../../../builder/guest/ovmf.ts";
import type { AttackWorld } from "../world.ts";

/** The cluster's own keys, and Secure Boot switched off in the setup. */
export async function varsSecureBootOff(world: AttackWorld): Promise<string> {
  const { pk, kek, db, dbx } = secureBootVariables(world.demo.built.keys);
  const settings = SECURE_BOOT_SETTINGS.map((v) => (v.name === "SecureBootEnable" ? { ...v, data: Uint8Array.of(0) } : v));
  const out = join(world.dir, "off.fd");
  await writeFile(out, makeVariableStore([...settings, pk, kek, db, dbx]));
  return out;
}

/** No key at all: whoever comes first enrols his own. */
export async function varsSetupMode(world: AttackWorld): Promise<string> {
  const out = join(world.dir, "setup.fd");
  await rm(out, { force: true });
  await copyFile(join(world.demo.built.tc.tree, OVMF_VARS), out);
  return out;
}
