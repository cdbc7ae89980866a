import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { explainError } from "../cli/explain-error.ts";
import { findRole, readRoles } from "../roles/read-roles.ts";
import { roleInLock } from "../roles/role-in-lock.ts";
import { describeChange, diffLocks } from "./diff-locks.ts";
import { encodeLock, type Lock, type LockedPackage } from "./lock.ts";
import { updateLock, type UpdateResult } from "./update-lock.ts";
import { checkLockFits, wantedSets } from "./wanted.ts";

const dir = mkdtempSync(join(tmpdir(), "kubedos-update-"));
t.teardown(() => rmSync(dir, { recursive: true }));

const entry = (name: string, version: string, more: Partial<LockedPackage> = {}): LockedPackage => ({ name, version, architecture: "amd64", size: 9, sha256: "ab".repeat(32), origin: "debian", path: `pool/${name}.deb`, in: ["base"], ...more });
const old: Lock = {
  kind: "kubedos/lock",
  version: 1,
  architecture: "amd64",
  kernel: "linux-image-1",
  stub: "stub",
  origins: [{ name: "debian", mirror: "http://a", suite: "trixie", component: "main" }],
  sets: [{ name: "base", wanted: ["gone"] }, { name: "toolchain", wanted: ["stub"] }],
  packages: [entry("gone", "1"), entry("linux-image-1", "1"), entry("openssl", "3.5.4-1"), entry("rebuilt", "1"), entry("stub", "1", { in: ["toolchain"] })],
};
const now: Lock = {
  ...old,
  kernel: "linux-image-2",
  sets: [{ name: "base", wanted: ["fresh"] }, { name: "role/worker", wanted: [] }, { name: "toolchain", wanted: ["stub"] }],
  packages: [entry("fresh", "5"), entry("linux-image-2", "2"), entry("openssl", "3.5.9-1"), entry("rebuilt", "1", { sha256: "cd".repeat(32) }), entry("stub", "1", { in: ["base", "toolchain"] })],
};
const written = [
  "fresh  (not there) → 5",
  "gone  1 → (gone)",
  "linux-image-1  1 → (gone)",
  "linux-image-2  (not there) → 2",
  "openssl  3.5.4-1 → 3.5.9-1",
  `rebuilt  1 (SHA-256 ${"ab".repeat(32)}) → 1 (SHA-256 ${"cd".repeat(32)})`,
  "stub  1 (toolchain) → 1 (base, toolchain)",
  "base wants fresh  (not there) → listed",
  "base wants gone  listed → (gone)",
  "role/worker  (not there) → resolved",
  "kernel  linux-image-1 → linux-image-2",
];

t.test("what changed, from old to new", async (t) => {
  t.same(diffLocks(old, now).map(describeChange), written);
  t.same(diffLocks(old, old), []);
  const moved = { ...old, packages: old.packages.map((p) => ({ ...p, path: `pool/new/${p.name}.deb` })) };
  t.equal(diffLocks(old, moved).length, 5, "no field is left out of the comparison");
  t.same(diffLocks(old, { ...old, origins: [{ ...old.origins[0]!, mirror: "http://b" }] }).map(describeChange), ["origin debian  http://a trixie main → http://b trixie main"]);
});

t.test("a lock file is made, compared, and replaced only when told to", async (t) => {
  const file = join(dir, "lock.json");
  const run = (lock: Lock, update: boolean): Promise<UpdateResult> => updateLock({ file, update, resolve: async () => lock, next: "the command" });
  t.match(await run(old, false), { outcome: "made", changes: [] });
  t.same(readFileSync(file), Buffer.from(encodeLock(old)));
  t.match(await run(old, false), { outcome: "unchanged" });
  await t.rejects(run(now, false), { code: "LOCK_DIFFERS", next: "the command", message: /left as it is.*\n(.*\n)*.*openssl {2}3\.5\.4-1 → 3\.5\.9-1(.*\n)*.*and 3 more/ });
  t.same(readFileSync(file), Buffer.from(encodeLock(old)), "and it is left");
  t.match(explainError(await run(now, false).catch((e: unknown) => e)), { exit: 4, next: "the command" });
  const { outcome, changes } = await run(now, true);
  t.equal(outcome, "updated");
  t.same(changes.map(describeChange), written);
  t.same(readFileSync(file), Buffer.from(encodeLock(now)));
  t.match(await run(now, true), { outcome: "unchanged" });
  t.same(readdirSync(dir), ["lock.json"], "nothing else stays");
});

t.test("what is no lock is not replaced", async (t) => {
  const file = join(dir, "notes.txt");
  writeFileSync(file, "my notes\n");
  await t.rejects(updateLock({ file, update: true, resolve: async () => now, next: "" }), { code: "BAD_LOCK" });
  t.equal(readFileSync(file, "utf8"), "my notes\n");
});

t.test("a lock for other lists says which", async (t) => {
  const roles = [{ name: "worker", packages: ["frr"] }];
  const sets = wantedSets(roles).map((s) => ({ name: s.name, wanted: [...s.wanted] }));
  const check = (spoil: (copy: typeof sets) => unknown): void => {
    const copy = structuredClone(sets);
    spoil(copy);
    checkLockFits({ ...old, sets: copy }, wantedSets(roles), "the command");
  };
  check(() => undefined);
  t.throws(() => check((s) => s.splice(1, 1)), { code: "LOCK_STALE", message: "the lock doesn't know role worker", next: "the command" });
  t.throws(() => check((s) => s[1]?.wanted.pop()), { code: "LOCK_STALE", message: "role worker wants package frr, which the lock was not made for" });
  t.throws(() => check((s) => s[0]?.wanted.push("zsh")), { code: "LOCK_STALE", message: "the lock holds zsh for the base tree, which no longer wants it" });
  t.throws(() => check((s) => s[2]?.wanted.shift()), { code: "LOCK_STALE", message: /^the toolchain wants package cpio/ });
});

t.test("a third party's part is in the lock whole, or its program is missing", async (t) => {
  const role = findRole(await readRoles(), "grafana");
  const sets = wantedSets([role]);
  const lockOf = (more: readonly string[]): Lock => ({ ...old, sets: sets.map(({ name, wanted }) => ({ name, wanted: [...wanted, ...(name === "role/grafana" ? more : [])].sort() })) });
  const without = lockOf([]);
  checkLockFits(without, sets, "");
  t.match(roleInLock(role, without), { units: ["prometheus-node-exporter.service"], missing: [{ program: "Grafana", why: /apt\.grafana\.com \(apt-keys\/grafana\.asc\)$/ }] });
  const whole = lockOf(["grafana"]);
  checkLockFits(whole, sets, "");
  t.same(roleInLock(role, whole), { units: ["prometheus-node-exporter.service", "grafana-server.service"], accounts: [{ name: "prometheus", id: 820 }, { name: "grafana", id: 823 }], missing: [] });
  const [part] = role.thirdParty;
  if (part === undefined) throw new Error("grafana has a part");
  const two = { ...role, thirdParty: [{ ...part, packages: ["grafana", "grafana-data"] }] };
  t.throws(() => checkLockFits(whole, wantedSets([two]), ""), { code: "LOCK_STALE", message: /wants package grafana-data/ }, "half of a part");
  t.match(roleInLock(two, whole).missing, [{ program: "Grafana" }]);
  t.throws(() => checkLockFits(lockOf(["loki"]), sets, ""), { code: "LOCK_STALE", message: /holds loki for role grafana, which no longer wants it/ });
});
