import { randomBytes } from "node:crypto";
import { existsSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { readEkTrust } from "../../builder/deploy/read-ek-trust.ts";
import { LockError } from "../../builder/lock/error.ts";
import { parseLock } from "../../builder/lock/lock.ts";
import { checkLockFits, wantedSets } from "../../builder/lock/wanted.ts";
import { openKeys } from "../../builder/keys/open-keys.ts";
import { usedRoles } from "../../builder/release/plan-release.ts";
import { readRoles } from "../../builder/roles/read-roles.ts";
import { readRelease } from "../../builder/release/read-release.ts";
import { defaultCacheDir, ensureToolchain } from "../../builder/toolchain/ensure-toolchain.ts";
import { parseClusterSpec } from "../../proto/spec/parse.ts";
import type { ClusterSpec } from "../../proto/spec/schema.ts";
import type { Demo } from "../demo.ts";
import { runLoudly } from "../programs.ts";

/** `keys init` and an operator, by the real program; kept for the next run, so that it finds its images again. */
export async function makeKeys(demo: Demo): Promise<void> {
  const spec = parseClusterSpec(await readFile(demo.specFile, "utf8"), demo.specFile);
  if (!existsSync(demo.keysDir)) {
    // In a file of mode 0600, as an operator would keep it in a secret store; never in argv.
    writeFileSync(demo.passphraseFile, `${randomBytes(24).toString("base64url")}\n`, { mode: 0o600 });
    await build(demo, ["keys", "init", "--dir", demo.keysDir, "--cluster", spec.metadata.name]);
  }
  if (!existsSync(demo.operatorDir)) await build(demo, ["operator", "issue", "alice", "--role", "admin", "--keys", demo.keysDir, "--out", demo.operatorDir]);
}

/** One spec in, signed images and release.json out. */
export async function buildImages(demo: Demo): Promise<void> {
  const spec = parseClusterSpec(await readFile(demo.specFile, "utf8"), demo.specFile);
  // Before the build, which takes longer than to say that a certificate is none.
  const ekTrust = await readEkTrust(spec, demo.specFile, new Date());
  const lockFile = await lockPackages(demo);
  const said = await build(demo, ["build", demo.specFile, "--lock", lockFile, "--keys", demo.keysDir, "--out", `${demo.home}/out`, "--json"]);
  const { dir } = JSON.parse(said.trim().split("\n").at(-1) ?? "{}") as { readonly dir: string };
  const keys = await openKeys(demo.keysDir, (await readFile(demo.passphraseFile, "utf8")).trim());
  const release = await readRelease(dir, keys.releaseKeys);
  const tc = await ensureToolchain(defaultCacheDir, (line) => demo.report.say(line), demo.signal, parseLock(await readFile(lockFile), lockFile));
  demo.built = { spec, ekTrust, keys, release, releaseDir: dir, tc };
  const predicted = release.images.every((image) => ["4", "7", "11", "12"].every((pcr) => image.pcrs[pcr] !== undefined));
  demo.report.prove("release.json is signed and predicts PCR 4, 7, 11 and 12 of every image", predicted, `release ${release.id}`);
}

/**
 * A lock, made at the first run and kept: one in the repository would name packages that the mirror has long replaced. It is made anew
 * only where the checkout wants other packages than it holds.
 */
async function lockPackages(demo: Demo): Promise<string> {
  const file = `${demo.home}/lock.json`;
  const spec = parseClusterSpec(await readFile(demo.specFile, "utf8"), demo.specFile);
  if (!existsSync(file) || !(await fits(file, spec, demo.specFile))) await build(demo, ["lock", demo.specFile, "-o", file, "--update"], []);
  return file;
}

async function fits(file: string, spec: ClusterSpec, specFile: string): Promise<boolean> {
  try {
    checkLockFits(parseLock(await readFile(file), file), wantedSets(usedRoles(spec, await readRoles(specFile))), "");
    return true;
  } catch (error) {
    if (error instanceof LockError && error.code === "LOCK_STALE") return false;
    throw error;
  }
}

async function build(demo: Demo, argv: readonly string[], secrets: readonly string[] = ["--passphrase-file", demo.passphraseFile]): Promise<string> {
  const ended = await runLoudly("kubedos-build", [...argv, ...secrets], demo.signal);
  if (ended.code !== 0) throw new Error(`kubedos-build ${argv.slice(0, 2).join(" ")} ended with ${ended.code}`);
  return ended.stdout;
}
