// A build that is killed or runs out of space leaves nothing that a later one takes for whole, and harms no release.
import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import t from "tap";
import { builtRelease, Foundry } from "../../bench/foundry.ts";
import { defaultCacheDir } from "../../builder/toolchain/ensure-toolchain.ts";
import { differences } from "./differences.ts";

t.setTimeout(15 * 60_000);

const foundry = new Foundry((line) => t.comment(line));
t.teardown(() => foundry.remove());
const whole = join(foundry.dir, "whole");

t.before(async () => {
  await foundry.prepare();
  t.notOk(builtRelease(await foundry.succeed(foundry.buildArgv(whole))).kept);
});

/** Kills at these fractions of a whole build's time and one at random; each round goes on with what the one before left. */
const MOMENTS = [0.15, 0.5, 0.85];

t.test("kill -9, again and again, then a build", async (t) => {
  // Trees and packages are there (their own tests make them), what is made of them is not.
  const cache = join(foundry.dir, "cache");
  mkdirSync(cache);
  for (const name of readdirSync(defaultCacheDir).filter((n) => /^(toolchain|base|deb)/.test(n))) execFileSync("cp", ["-al", join(defaultCacheDir, name), cache]);
  const out = join(foundry.dir, "killed");
  const started = performance.now();
  await foundry.succeed(foundry.buildArgv(join(foundry.dir, "timed"), { cache }));
  const ms = performance.now() - started;
  for (const name of readdirSync(cache).filter((n) => /^(image|program|bill|disk)/.test(n))) execFileSync("rm", ["-r", join(cache, name)]);

  for (const moment of [...MOMENTS, Math.random()]) {
    const how = { started: (child: { kill(signal: "SIGKILL"): boolean }) => void sleep(ms * moment).then(() => child.kill("SIGKILL")) };
    const ended = await foundry.run(foundry.buildArgv(out, { cache }), how);
    t.comment(`killed after ${(ms * moment).toFixed(0)} ms: ${ended.code === null ? "in the middle" : "too late"}`);
    for (const name of releases(out)) t.equal(differences(join(whole, "demo", name), join(out, "demo", name)), "", "what has a release's name is that release");
  }
  await foundry.succeed(foundry.buildArgv(out, { cache }));
  t.equal(differences(whole, out), "", "nothing half-made became part of it, and nothing is left of it");
});

t.test("a full disk", async (t) => {
  const out = join(foundry.dir, "small");
  mkdirSync(out);
  const mb = Math.ceil(statSync(whole).size / 2 ** 20) + 100;
  execFileSync("mount", ["-t", "tmpfs", "-o", `size=${mb}m`, "tmpfs", out]);
  t.teardown(() => spawnSync("umount", ["--lazy", out]));
  cpSync(join(foundry.inputs, "keys/keys.json"), join(out, "demo/another/release.json"), { recursive: true });
  const before = digest(join(out, "demo/another/release.json"));
  const ended = await foundry.run(foundry.buildArgv(out));
  t.equal(ended.code, 1);
  t.match(builtRelease(ended), { ok: false, code: "NO_SPACE" });
  t.match(ended.stderr, /the disk is full/);
  t.same(releases(out), ["another"], "no release and nothing half-made");
  t.equal(digest(join(out, "demo/another/release.json")), before);
});

function releases(out: string): readonly string[] {
  const folder = join(out, "demo");
  return existsSync(folder) ? readdirSync(folder).filter((name) => !name.startsWith(".")) : [];
}

function digest(file: string): string {
  return createHash("sha256").update(readFileSync(file)).digest("hex");
}
