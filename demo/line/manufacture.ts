import { randomBytes } from "node:crypto";
import { existsSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { openKeys } from "../../builder/keys/open-keys.ts";
import { readRelease } from "../../builder/release/read-release.ts";
import { defaultCacheDir, ensureToolchain } from "../../builder/toolchain/ensure-toolchain.ts";
import { parseClusterSpec } from "../../proto/spec/parse.ts";
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
  if (!existsSync(demo.operatorDir)) await build(demo, ["operator", "issue", "alice", "--keys", demo.keysDir, "--out", demo.operatorDir]);
}

/** One spec in, signed images and release.json out. */
export async function buildImages(demo: Demo): Promise<void> {
  const said = await build(demo, ["build", demo.specFile, "--keys", demo.keysDir, "--out", `${demo.home}/out`, "--json"]);
  const { dir } = JSON.parse(said.trim().split("\n").at(-1) ?? "{}") as { readonly dir: string };
  const spec = parseClusterSpec(await readFile(demo.specFile, "utf8"), demo.specFile);
  const keys = await openKeys(demo.keysDir, (await readFile(demo.passphraseFile, "utf8")).trim());
  const release = await readRelease(dir, keys.releaseKey);
  const tc = await ensureToolchain(defaultCacheDir, (line) => demo.report.say(line), demo.signal);
  demo.built = { spec, keys, release, releaseDir: dir, tc };
  const predicted = release.images.every((image) => ["4", "7", "11", "12"].every((pcr) => image.pcrs[pcr] !== undefined));
  demo.report.prove("release.json is signed and predicts PCR 4, 7, 11 and 12 of every image", predicted, `release ${release.id}`);
}

async function build(demo: Demo, argv: readonly string[]): Promise<string> {
  const ended = await runLoudly("kubedos-build", [...argv, "--passphrase-file", demo.passphraseFile], demo.signal);
  if (ended.code !== 0) throw new Error(`kubedos-build ${argv.slice(0, 2).join(" ")} ended with ${ended.code}`);
  return ended.stdout;
}
