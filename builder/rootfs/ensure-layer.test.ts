import { existsSync, globSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, readlinkSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { treeDigest } from "../lock/tree-digest.ts";
import { findRole, readRoles } from "../roles/read-roles.ts";
import { roleInLock } from "../roles/role-in-lock.ts";
import { defaultCacheDir, ensureToolchain } from "../toolchain/ensure-toolchain.ts";
import { ensureCacheLock } from "../lock/cache-lock.ts";
import { checkNumbered } from "./accounts.ts";
import { assembleRole } from "./assemble-role.ts";
import { ensureBase } from "./ensure-base.ts";
import { ensureLayer, type LayerRequest } from "./ensure-layer.ts";

t.setTimeout(240_000);
const report = (line: string): void => void t.comment(line);
const roles = await readRoles();
const tc = await ensureToolchain(defaultCacheDir, report, undefined, await ensureCacheLock(defaultCacheDir, roles, report));
const base = await ensureBase(defaultCacheDir, tc, report);
// On the base tree's file system, with the same .debs.
const work = mkdtempSync(join(defaultCacheDir, ".layer-test-"));
t.teardown(() => rmSync(work, { recursive: true, force: true }));
symlinkSync(join(defaultCacheDir, "debs"), join(work, "debs"));

// Brings a generator, wants in /usr, udev rules, users and services that Debian would start.
const storage = findRole(roles, "storage");
const { accounts } = roleInLock(storage, tc.lock);
const layer = (more: Partial<LayerRequest> = {}) => ensureLayer(tc, { cacheDir: defaultCacheDir, base, role: "storage", accounts, report, ...more });
const { tree, key } = await layer();
const added = (pattern: string): string[] => globSync(pattern, { cwd: tree }).filter((path) => !existsSync(join(base.tree, path)));

t.test("a role's packages, over the base tree", async (t) => {
  t.ok(existsSync(join(tree, "usr/sbin/exportfs")));
  t.notOk(existsSync(join(base.tree, "usr/sbin/exportfs")), "and only there");
  t.match(readFileSync(join(tree, "etc/passwd"), "utf8"), /^statd:x:825:825:/m);
  const same = (path: string): boolean => lstatSync(join(tree, path)).ino === lstatSync(join(base.tree, path)).ino;
  t.ok(same("usr/bin/bash"), "what is as in the base is the same file");
  t.notOk(same("etc/passwd"));
  for (const path of ["usr/lib/apt", "usr/sbin/policy-rc.d", "var/lib/apt", "etc/apt"]) t.notOk(existsSync(join(tree, path)), path);
});

t.test("nothing that the packages brought starts by itself", async (t) => {
  t.same(globSync("etc/systemd/system/*", { cwd: tree }), []);
  t.same(added("usr/lib/systemd/system/*.{wants,requires}/*"), []);
  t.same(added("usr/lib/{udev/rules.d,systemd/system-generators}/*"), []);
  t.ok(added("usr/lib/systemd/system/*.service").length > 5, "though they have units");
});

t.test("the same lock gives the same layer", async (t) => {
  const again = await layer({ cacheDir: work });
  t.equal(again.key, key);
  t.equal(await treeDigest(again.tree), await treeDigest(tree));
  t.same(await ensureLayer(tc, { cacheDir: work, base, role: "qa-worker", accounts: [], report }), { tree: base.tree, key: base.key }, "without packages it is the base tree");
});

t.test("a user that the role gave no number", async (t) => {
  await checkNumbered(base.tree, tree, accounts, "storage");
  await t.rejects(checkNumbered(base.tree, tree, accounts.filter((a) => a.name !== "statd"), "storage"), { code: "UNNUMBERED_ACCOUNT", message: /"storage" makes the user statd/ });
});

t.test("the units of a role wait for the admission, and its overlay is laid over", async (t) => {
  const overlay = join(work, "overlay");
  mkdirSync(join(overlay, "srv/of-the-role"), { recursive: true });
  const make = (out: string, units: readonly string[]) => assembleRole({ role: "storage", from: { tree, key }, overlayDirs: [overlay], units, files: [], out: join(work, out) });
  await make("image", ["nfs-server.service"]);
  const at = (path: string): string => join(work, "image", path);
  t.ok(existsSync(at("srv/of-the-role")));
  t.equal(readlinkSync(at("etc/systemd/system/kubedos-admitted.target.wants/nfs-server.service")), "/usr/lib/systemd/system/nfs-server.service");
  t.match(readFileSync(at("etc/systemd/system/nfs-server.service.d/40-kubedos-admitted.conf"), "utf8"), /Requisite=kubedos-admitted.target/);
  const wanted = globSync("{etc,usr/lib}/systemd/system/*.wants/*", { cwd: join(work, "image") }).filter((path) => path.includes("kubedos-admitted.target"));
  t.equal(wanted.length, 1, "nothing wants the target itself");
  await t.rejects(make("other", ["no-such.service"]), { code: "UNKNOWN_UNIT" });
  t.equal(await treeDigest(tree), await treeDigest((await layer()).tree));
  t.notMatch(readFileSync(join(tree, "etc/passwd"), "utf8"), /kubedos-hub/, "the layer itself is as it was");
});
