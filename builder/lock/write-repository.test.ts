import { mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { checkClosure, type LockedControl } from "./check-closure.ts";
import type { LockedPackage } from "./lock.ts";
import { SmallArchive } from "./testing/small-archive.ts";
import { indexStanza, writeRepository } from "./write-repository.ts";

const archive = new SmallArchive();
const root = mkdtempSync(join(archive.dir, "repositories-"));
t.teardown(() => archive.remove());
const packages = await archive.publish("stable", [{ name: "one", control: ["Depends: two | three, virtual (>= 2)"] }, { name: "two" }, { name: "four", control: ["Provides: virtual (= 2), more"] }]);
const files = packages.map((locked) => ({ locked, path: join(archive.dir, locked.path) }));

t.test("a repository of exactly these files", async (t) => {
  const dir = join(root, "good");
  const keyring = await writeRepository(dir, "stable", files);
  t.same(readdirSync(dir).sort(), ["InRelease", "Packages", "keyring.gpg", "pool"]);
  t.same(readdirSync(join(dir, "pool")).sort(), packages.map((p) => `${p.sha256}.deb`).sort());
  t.match(readFileSync(join(dir, "Packages"), "utf8"), /^Package: one\n(.*\n)*Filename: pool\/[0-9a-f]{64}\.deb\nSize: \d+\nSHA256: [0-9a-f]{64}\n\nPackage: two\n/);
  t.equal(keyring, join(dir, "keyring.gpg"));
  await writeRepository(join(root, "again"), "stable", files);
  const text = (name: string, file: string): string => readFileSync(join(root, name, file), "utf8");
  t.equal(text("good", "Packages"), text("again", "Packages"));
  t.not(text("good", "InRelease"), text("again", "InRelease"), "each is signed by a key of its own");
});

t.test("a file that isn't the package which the lock names", async (t) => {
  const [one, ...rest] = files as [(typeof files)[0], ...typeof files];
  const refused = (name: string, change: Partial<LockedPackage>) =>
    t.rejects(writeRepository(join(root, name), "stable", [{ ...one, locked: { ...one.locked, ...change } }, ...rest]), { code: "DEB_DIFFERS", message: /says that it is one 1\.0-1 all$/ }, name);
  await refused("name", { name: "five" });
  await refused("version", { version: "1.0-2" });
  await refused("architecture", { architecture: "amd64" });
  t.throws(() => indexStanza(one.locked, "", "x"), { code: "DEB_DIFFERS" }, "nor one without a control file");
});

t.test("a lock that lacks what its packages need", async (t) => {
  const without = (name: string) => writeRepository(join(root, `without-${name}`), "stable", files.filter((f) => f.locked.name !== name));
  await t.rejects(without("two"), { code: "BAD_LOCK", message: "one 1.0-1 of the base tree needs two | three, which the lock doesn't hold" });
  await t.rejects(without("four"), { code: "BAD_LOCK", message: /needs virtual \(>= 2\), which/ });
  const check = (depends: string): void => checkClosure([{ locked: packages[0]!, control: `Package: one\n${depends}\n` } satisfies LockedControl, { locked: packages[1]!, control: "Package: two\n" }]);
  for (const good of ["Depends: two", "Pre-Depends: two:any (>= 1)", "Depends: absent | two (<< 3)", "Depends: two(>= 1),\n one", "Recommends: absent", "Suggests: absent"]) check(good);
  for (const bad of ["Depends: absent,\n two", "Depends: two,\n absent", "Pre-Depends: absent:any", "Depends: absent | missing", "Depends: tw, two"]) t.throws(() => check(bad), { code: "BAD_LOCK" }, bad);
});
