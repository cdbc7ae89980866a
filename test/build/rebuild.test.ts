// A release that was built from a darksite is built again from its bundle alone: no network, no keys, the same bytes.
import { cpSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { builtRelease, Foundry } from "../../bench/foundry.ts";
import { encodeLock } from "../../builder/lock/lock.ts";
import { ensureBase } from "../../builder/rootfs/ensure-base.ts";
import { defaultCacheDir, ensureToolchain } from "../../builder/toolchain/ensure-toolchain.ts";
import { differences } from "./differences.ts";

t.setTimeout(15 * 60_000);
const foundry = new Foundry((line) => t.comment(line));
t.teardown(() => foundry.remove());
const at = (name: string): string => join(foundry.dir, name);
/** In a network namespace with nothing in it. */
const alone = { under: ["unshare", "--net", "--"] };

/** A cache with trees and programs of the checkout's own, which nobody writes into, and no package and no image. */
function cacheOf(name: string): string {
  mkdirSync(at(name));
  for (const entry of readdirSync(defaultCacheDir)) if (/^(toolchain|base|role|program)-/.test(entry)) symlinkSync(join(defaultCacheDir, entry), join(at(name), entry));
  return at(name);
}

t.test("built from a darksite, and again from a bundle", async (t) => {
  const tc = await ensureToolchain(defaultCacheDir, (line) => t.comment(line));
  // Both builds share it; that one is made from the packages of a lock is shown elsewhere (locked-tree.test.ts).
  await ensureBase(defaultCacheDir, tc, (line) => t.comment(line));
  const [keys, lockFile, passphrase] = ["keys", "lock.json", "passphrase"].map((name) => join(foundry.inputs, name)) as [string, string, string];
  writeFileSync(lockFile, encodeLock(tc.lock));
  const secret = ["--passphrase-file", passphrase];
  await foundry.succeed(["keys", "init", "--dir", keys, "--cluster", "demo", ...secret]);
  await foundry.succeed(["darksite", foundry.spec, "--lock", lockFile, "-o", at("site"), "--cache", defaultCacheDir, "--keys", keys, ...secret]);
  await foundry.succeed(["darksite", "verify", at("site"), "--keys", keys], alone);

  mkdirSync(at("nothing"));
  const build = foundry.buildArgv(at("out"), { cache: cacheOf("cache-1") });
  const refused = await foundry.run([...build, "--mode", "darksite", "--darksite", at("nothing")], alone);
  t.match([refused.code, builtRelease(refused)], [6, { ok: false, code: "DARKSITE_LACKS" }], "what it doesn't hold comes from nowhere");
  const first = builtRelease(await foundry.succeed([...build, "--mode", "darksite", "--darksite", at("site")], alone));
  await foundry.succeed(["bundle", at("out"), "-o", at("bundle"), "--cache", at("cache-1")], alone);
  const checked = await foundry.succeed(["verify", at("bundle"), "--keys", keys, "-o", "json"], alone);
  t.match(JSON.parse(checked.stdout), { ok: true, release: { id: first.id }, findings: [] }, "which holds what its documents say");
  for (const gone of [foundry.inputs, at("site"), at("cache-1")]) rmSync(gone, { recursive: true });

  const rebuild = ["rebuild", at("bundle"), "--out", at("again"), "--cache", cacheOf("cache-2"), "--json"];
  const second = builtRelease(await foundry.succeed(rebuild, alone));
  t.match(second, { id: first.id, kept: false });
  t.equal(differences(at("out"), at("again")), "", "diffoscope finds no difference in anything under --out");

  const inputs = at("bundle/rebuild/inputs.tar");
  cpSync(inputs, at("inputs.tar"));
  writeFileSync(inputs, "x", { flag: "a" });
  const spoilt = await foundry.run(rebuild, alone);
  t.match([spoilt.code, builtRelease(spoilt)], [8, { ok: false, code: "DARKSITE_DIFFERS" }], "a bundle that was changed");
  renameSync(at("inputs.tar"), inputs);
  t.ok(builtRelease(await foundry.succeed(rebuild, alone)).kept, "and changed back: what was rebuilt is recognised");
});
