import { chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { cachedTree } from "./cached-tree.ts";

const cache = mkdtempSync(join(tmpdir(), "kubedos-cache-"));
t.teardown(() => rmSync(cache, { recursive: true }));
const never = (): Promise<void> => Promise.reject(new Error("made twice"));

t.test("what has the name is whole, and made once", async (t) => {
  const path = await cachedTree(cache, "tree", async (out) => {
    mkdirSync(out);
    t.notOk(existsSync(join(cache, "tree")), "not under its name while it is made");
    writeFileSync(join(out, "file"), "x");
  });
  t.equal(path, join(cache, "tree"));
  t.equal(await cachedTree(cache, "tree", never), path);
});

t.test("what fails leaves nothing", async (t) => {
  const failing = async (out: string): Promise<void> => {
    mkdirSync(out);
    throw new Error("no space");
  };
  await t.rejects(cachedTree(cache, "broken", failing), { message: "no space" });
  t.strictSame(readdirSync(cache), ["tree"]);
});

t.test("another user's tree has other owners, and is refused", async (t) => {
  const path = join(cache, "tree");
  chownSync(path, 12_345, 12_345);
  await t.rejects(cachedTree(cache, "tree", never), { code: "FOREIGN_CACHE" });
  chownSync(path, process.geteuid?.() ?? 0, 0);
  t.equal(await cachedTree(cache, "tree", never), path);
});
