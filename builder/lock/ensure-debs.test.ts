import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { debPath, ensureDebs } from "./ensure-debs.ts";
import type { LockedPackage } from "./lock.ts";
import { SmallArchive } from "./testing/small-archive.ts";

// Each look at an archive starts apt a few times; a mirror that refuses is asked again after a pause.
t.setTimeout(120_000);
const archive = await new SmallArchive().start();
const root = mkdtempSync(join(tmpdir(), "kubedos-debs-"));
t.teardown(async () => {
  await archive.remove();
  rmSync(root, { recursive: true });
});
const packages = await archive.publish("stable", [{ name: "one" }, { name: "two-c++", version: "1:2.0~rc1+x-1" }]);
const [one, two] = packages as readonly [LockedPackage, LockedPackage];
const origins = [archive.origin("small", "stable")];
let cache = "";
const ensure = (list: readonly LockedPackage[] = packages): Promise<readonly string[]> => ensureDebs(cache, origins, list, () => undefined);
t.beforeEach(() => {
  cache = mkdtempSync(join(root, "cache-"));
  archive.instead.clear();
  archive.asked.length = 0;
});
const kept = (): readonly string[] => readdirSync(join(cache, "debs")).sort();

t.test("fetched once, by path, and kept by digest", async (t) => {
  const paths = await ensure();
  t.same(paths, [debPath(cache, one.sha256), debPath(cache, two.sha256)]);
  t.same(readFileSync(paths[1] ?? ""), readFileSync(join(archive.dir, two.path)));
  t.same(archive.asked.sort(), [one.path, two.path], "no index, nothing else");
  await ensure();
  t.equal(archive.asked.length, 2);
  t.equal(kept().length, 2, "nothing half-fetched stays");
});

t.test("a changed byte: both digests, and nothing is kept", async (t) => {
  const spoilt = readFileSync(join(archive.dir, one.path));
  spoilt[spoilt.length - 1] = (spoilt.at(-1) ?? 0) ^ 1;
  archive.instead.set(one.path, spoilt);
  await t.rejects(ensure(), { code: "DEB_DIFFERS", message: new RegExp(`one 1\\.0-1 of the base tree has SHA-256 ${one.sha256} in the lock, but http.*/${one.path} sends [0-9a-f]{64}`) });
  t.notOk(kept().includes(`${one.sha256}.deb`));
  archive.instead.clear();
  await ensure();
});

t.test("more or fewer bytes than locked", async (t) => {
  const data = readFileSync(join(archive.dir, one.path));
  archive.instead.set(one.path, Buffer.concat([data, Buffer.alloc(1 << 20)]));
  await t.rejects(ensure(), { code: "DEB_DIFFERS", message: new RegExp(`${one.size} bytes`) });
  archive.instead.set(one.path, data.subarray(0, -1));
  await t.rejects(ensure(), { code: "DEB_DIFFERS" });
  archive.instead.clear();
  await ensure();
});

t.test("a spoilt file of the cache is fetched again", async (t) => {
  const [path = ""] = await ensure();
  writeFileSync(path, "spoilt");
  await ensure();
  t.same(readFileSync(path), readFileSync(join(archive.dir, one.path)));
  t.same(archive.asked.filter((asked) => asked === two.path).length, 1, "and no other");
});

t.test("a package that the mirror no longer has", async (t) => {
  archive.instead.set(two.path, 404);
  await t.rejects(ensure(), {
    code: "DEB_GONE",
    message: /^two-c\+\+ 1:2\.0~rc1\+x-1 of the base tree is not in the cache, and the mirror no longer has it \(http.*: 404/,
    next: "kubedos-build lock SPEC -o LOCK --update",
  });
  await t.resolves(ensure([one]), "the other one is still to be had");
});

t.test("a full cache needs nobody", async (t) => {
  await ensure();
  const full = cache;
  await archive.stop();
  await t.resolves(ensure());
  cache = mkdtempSync(join(root, "cache-"));
  await t.rejects(ensure(), { code: "DEB_UNREACHABLE", message: /^one 1\.0-1 of the base tree is not in the cache and could not be fetched from http/ });
  t.not(cache, full);
});
