import { spawn } from "node:child_process";
import { hash } from "node:crypto";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import t from "tap";
import { encodeLock } from "../../builder/lock/lock.ts";
import { defaultCacheDir, ensureToolchain } from "../../builder/toolchain/ensure-toolchain.ts";

// A whole image is made, and made again.
t.setTimeout(600_000);
const project = new URL("../..", import.meta.url).pathname;
const root = mkdtempSync(join(tmpdir(), "kubedos-rebuild-"));
t.teardown(() => rmSync(root, { recursive: true }));
const at = (name: string): string => join(root, name);

/** Runs kubedos-build, with `alone` in a network namespace with nothing in it. */
async function run(args: readonly string[], alone = false): Promise<{ readonly code: number | null; readonly json: Readonly<Record<string, unknown>>; readonly said: string }> {
  const argv = [...(alone ? ["unshare", "--net", "--"] : []), process.execPath, join(project, "builder/main.ts"), ...args, "--json"];
  const child = spawn(argv[0] ?? "", argv.slice(1), { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
  let [out, said] = ["", ""];
  child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  const last = out.trim().split("\n").at(-1) ?? "";
  return { code, json: last.startsWith("{") ? (JSON.parse(last) as Readonly<Record<string, unknown>>) : {}, said };
}

/** Every file under a folder with its digest. */
function sums(dir: string): Readonly<Record<string, string>> {
  const files = readdirSync(dir, { recursive: true, withFileTypes: true }).filter((e) => e.isFile()).map((e) => join(e.parentPath, e.name));
  return Object.fromEntries(files.sort().map((file) => [relative(dir, file), hash("sha256", readFileSync(file), "hex")]));
}

/** A cache with what the toolchain's makes need and none of the images; trees are shared, since nobody writes into them. */
function cacheOf(name: string, ...kinds: readonly string[]): string {
  mkdirSync(at(name));
  for (const entry of readdirSync(defaultCacheDir)) if (kinds.some((kind) => entry.startsWith(kind))) symlinkSync(join(defaultCacheDir, entry), join(at(name), entry));
  return at(name);
}

t.test("built from a darksite and built again from a bundle, without a network and without keys: the same bytes", async (t) => {
  const { lock } = await ensureToolchain(defaultCacheDir, (line) => t.comment(line));
  writeFileSync(at("lock.json"), encodeLock(lock));
  writeFileSync(at("pass"), "correct horse battery\n", { mode: 0o600 });
  mkdirSync(at("spec"));
  writeFileSync(at("spec/cluster.yaml"), readFileSync(join(project, "examples/demo.yaml")));
  const keys = ["--keys", at("keys"), "--passphrase-file", at("pass")];
  const made = async (what: string, args: readonly string[], alone?: boolean): Promise<Readonly<Record<string, unknown>>> => {
    const result = await run(args, alone);
    if (result.code !== 0) t.fail(`${what} ended with ${result.code}: ${result.said}`);
    return result.json;
  };
  await made("keys init", ["keys", "init", "--dir", at("keys"), "--cluster", "demo", "--passphrase-file", at("pass")]);
  t.match(await made("darksite", ["darksite", "spec/cluster.yaml", "--lock", "lock.json", "-o", at("site"), "--cache", defaultCacheDir, ...keys]), { signed: true });
  t.match(await made("darksite verify", ["darksite", "verify", at("site"), "--keys", at("keys")], true), { cluster: "demo" });

  const build = ["build", "spec/cluster.yaml", "--lock", "lock.json", "--out", at("out"), "--cache", cacheOf("cache-1", "toolchain-", "base-", "program-"), ...keys];
  t.match(await run([...build, "--mode", "darksite", "--darksite", at("spec")], true), { code: 6, json: { code: "DARKSITE_LACKS" } }, "of a darksite that holds nothing nothing is built");
  const first = await made("build", [...build, "--mode", "darksite", "--darksite", at("site")], true);
  await made("bundle", ["bundle", at("out"), "-o", at("bundle"), "--cache", at("cache-1")], true);
  for (const name of ["keys", "site", "spec", "lock.json", "cache-1"]) rmSync(at(name), { recursive: true });

  const rebuild = ["rebuild", at("bundle"), "--out", at("again"), "--cache", cacheOf("cache-2", "toolchain-", "base-", "program-")];
  const second = await made("rebuild", rebuild, true);
  t.same([second["id"], second["kept"]], [first["id"], false]);
  t.same(sums(at("again")), sums(at("out")), "everything under --out");
  t.ok(Object.keys(sums(at("out"))).some((file) => file.endsWith(".qcow2")));

  const inputs = at("bundle/rebuild/inputs.tar");
  cpSync(inputs, at("inputs.tar"));
  writeFileSync(inputs, "x", { flag: "a" });
  t.match(await run(rebuild, true), { code: 8, json: { code: "DARKSITE_DIFFERS" } }, "a bundle that was changed");
  renameSync(at("inputs.tar"), inputs);
  t.match(await run(rebuild, true), { code: 0, json: { kept: true } }, "and changed back");
});
