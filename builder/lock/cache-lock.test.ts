import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { readRoles } from "../roles/read-roles.ts";
import { defaultCacheDir, ensureToolchain } from "../toolchain/ensure-toolchain.ts";
import { cacheLockFile, ensureCacheLock, lendToCache } from "./cache-lock.ts";
import { encodeLock } from "./lock.ts";

const { lock } = await ensureToolchain(defaultCacheDir, (line) => t.comment(line));
const roles = await readRoles();
const cache = mkdtempSync(join(tmpdir(), "kubedos-cache-lock-"));
t.teardown(() => rmSync(cache, { recursive: true }));
const held = (): Buffer => readFileSync(cacheLockFile(cache));
const silent = (): never => t.fail("nobody is asked for anything") as never;

t.test("a cache without a lock takes the first that comes, and keeps it", async (t) => {
  await lendToCache(cache, lock);
  t.same(held(), Buffer.from(encodeLock(lock)));
  const other = { ...lock, origins: lock.origins.map((o) => ({ ...o, mirror: "http://other.example" })) };
  await lendToCache(cache, other);
  t.same(held(), Buffer.from(encodeLock(lock)));
  t.same(await ensureCacheLock(cache, roles, silent), lock);
  t.same(readdirSync(cache), ["lock.json"]);
});

t.test("one that no longer fits, or is none, is replaced", async (t) => {
  const stale = { ...lock, sets: lock.sets.map((s) => (s.name === "base" ? { ...s, wanted: s.wanted.slice(1) } : s)) };
  for (const text of [encodeLock(stale), "{}", ""]) {
    writeFileSync(cacheLockFile(cache), text);
    await lendToCache(cache, lock);
    t.same(held(), Buffer.from(encodeLock(lock)));
  }
});
