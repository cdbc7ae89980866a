import { chmodSync, lchownSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { treeDigest } from "./tree-digest.ts";

const root = mkdtempSync(join(tmpdir(), "kubedos-digest-"));
t.teardown(() => rmSync(root, { recursive: true }));
let made = 0;

async function digest(change: (dir: string) => void = () => undefined): Promise<string> {
  const dir = join(root, `${(made += 1)}`);
  mkdirSync(join(dir, "etc/empty"), { recursive: true });
  writeFileSync(join(dir, "etc/a"), "one");
  writeFileSync(join(dir, "etc/b"), "two");
  symlinkSync("a", join(dir, "etc/link"));
  change(dir);
  return await treeDigest(dir);
}

t.test("equal trees, one digest; times say nothing", async (t) => {
  const plain = await digest();
  t.equal(await digest(), plain);
  t.equal(await digest((dir) => utimesSync(join(dir, "etc/a"), 1, 1)), plain);
});

t.test("everything else does", async (t) => {
  const plain = await digest();
  const changes: Record<string, (dir: string) => void> = {
    contents: (dir) => writeFileSync(join(dir, "etc/a"), "onE"),
    "a mode": (dir) => chmodSync(join(dir, "etc/a"), 0o600),
    "setuid": (dir) => chmodSync(join(dir, "etc/a"), 0o4644),
    "an owner": (dir) => lchownSync(join(dir, "etc/a"), 810, 0),
    "a group of a link": (dir) => lchownSync(join(dir, "etc/link"), 0, 811),
    "a target": (dir) => (rmSync(join(dir, "etc/link")), symlinkSync("b", join(dir, "etc/link"))),
    "an empty folder": (dir) => mkdirSync(join(dir, "var")),
    "no empty folder": (dir) => rmSync(join(dir, "etc/empty"), { recursive: true }),
    "a file more": (dir) => writeFileSync(join(dir, "etc/c"), ""),
    "a file less": (dir) => rmSync(join(dir, "etc/b")),
    "two files in each other's place": (dir) => (writeFileSync(join(dir, "etc/a"), "two"), writeFileSync(join(dir, "etc/b"), "one")),
  };
  for (const [name, change] of Object.entries(changes)) t.not(await digest(change), plain, name);
});
