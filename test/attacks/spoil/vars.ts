import { copyFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { OVMF_VARS, prepareVars } from "../../../builder/guest/prepare-vars.ts";
import { KEY_FILES } from "../../../builder/keys/files.ts";
import { RELEASE_FILES } from "../../../builder/release/release-files.ts";
import { runTool } from "../../../builder/toolchain/run-tool.ts";
import type { AttackWorld } from "../world.ts";

/** The cluster's own keys, and Secure Boot switched off in the setup. */
export async function varsSecureBootOff(world: AttackWorld): Promise<string> {
  const { tc, releaseDir, keys } = world.demo.built;
  const [enrolled, out] = [join(world.dir, "enrolled.fd"), join(world.dir, "off.fd")];
  const file = (name: "pk" | "kek" | "db"): string => join(releaseDir, RELEASE_FILES.keys, KEY_FILES[name]);
  await prepareVars(tc, { pk: file("pk"), kek: file("kek"), db: file("db"), ownerGuid: keys.owner, out: enrolled });
  await runTool(tc, ["virt-fw-vars", "-i", enrolled, "-o", out, "--set-false", "SecureBootEnable"], { binds: [world.dir] });
  return out;
}

/** No key at all: whoever comes first enrols his own. */
export async function varsSetupMode(world: AttackWorld): Promise<string> {
  const out = join(world.dir, "setup.fd");
  await rm(out, { force: true });
  await copyFile(join(world.demo.built.tc.tree, OVMF_VARS), out);
  return out;
}
