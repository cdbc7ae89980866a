import { execFileSync } from "node:child_process";
import { linkSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { makeErofs } from "../rootfs/make-erofs.ts";
import { defaultCacheDir, ensureToolchain } from "../toolchain/ensure-toolchain.ts";
import { runTool } from "../toolchain/run-tool.ts";
import { readContents } from "./content.ts";
import { withErofs } from "./read-erofs.ts";

const tc = await ensureToolchain(defaultCacheDir, (line) => t.comment(line));
const dir = mkdtempSync(join(tmpdir(), "kubedos-erofs-"));
t.teardown(() => rmSync(dir, { recursive: true }));
const [tree, image] = [join(dir, "tree"), join(dir, "image")];

/** A tree with whatever mkfs.erofs stores in another way: sizes around a block, long folders, links, no contents. */
for (const folder of ["etc", "empty", "many", "deep/er/still"]) mkdirSync(join(tree, folder), { recursive: true });
for (const size of [0, 1, 4031, 4032, 4063, 4064, 4095, 4096, 4097, 8192, 100_000, 9 << 20]) writeFileSync(join(tree, "etc", `${size}`), Buffer.alloc(size, `${size} `));
for (let i = 0; i < 700; i++) writeFileSync(join(tree, "many", `${i}-${"n".repeat(i % 200)}`), `${i}`);
linkSync(join(tree, "etc/4097"), join(tree, "deep/er/linked"));
symlinkSync("../etc/1", join(tree, "deep/short"));
symlinkSync("l".repeat(4000), join(tree, "deep/long"));
writeFileSync(join(tree, "deep/er/still/ümlaut"), "ü");
execFileSync("mkfifo", [join(tree, "etc/pipe")]);
await makeErofs(tc, tree, image, { uuid: "00112233-4455-6677-8899-aabbccddeeff", epoch: 1_767_225_600 });

t.test("what stands in the image is what was put there, and what another reader finds", async (t) => {
  const found = await withErofs(image, ({ contents }) => contents);
  const expected = await readContents(tree);
  t.ok(expected.size > 700);
  t.same([...found], [...expected], "the tree, in the same order");
  await runTool(tc, ["fsck.erofs", `--extract=${join(dir, "extracted")}`, "--no-preserve", image], { binds: [dir] });
  t.same([...found], [...(await readContents(join(dir, "extracted")))], "fsck.erofs");
});

t.test("single files are read by their names", async (t) => {
  await withErofs(image, ({ read }) => {
    t.equal(Buffer.from(read("/etc/4097")).toString(), "4097 ".repeat(820).slice(0, 4097));
    t.throws(() => read("/etc/shadow"), { code: "BAD_VALUE" });
  });
});

/** The image with these bytes written over. */
function spoil(name: string, at: number, bytes: readonly number[]): string {
  const data = readFileSync(image);
  data.set(bytes, at);
  writeFileSync(join(dir, name), data);
  return join(dir, name);
}

t.test("an image of another form is refused", async (t) => {
  const root = readFileSync(image).readUInt32LE(1024 + 40) * 4096 + readFileSync(image).readUInt16LE(1024 + 14) * 32;
  const cases: readonly [string, number, readonly number[], string][] = [
    ["no magic", 1024, [0], "BAD_VALUE"],
    ["blocks of 8 KiB", 1024 + 12, [13], "BAD_VALUE"],
    ["a feature of which we don't know", 1024 + 80, [2], "BAD_VALUE"],
    ["folders in other blocks", 1024 + 90, [1], "BAD_VALUE"],
    ["a compressed root folder", root, [(1 << 1) | (readFileSync(image)[root] ?? 0) & 1], "BAD_VALUE"],
    ["a root folder of 4 GiB", root + 8, [0, 0xf0, 0xff, 0xff], "TOO_LARGE"],
    ["inodes behind the end", 1024 + 40, [0xff, 0xff, 0xff, 0xff], "TRUNCATED"],
  ];
  for (const [what, at, bytes, code] of cases) await t.rejects(withErofs(spoil("spoiled", at, bytes), () => undefined), { code }, what);
  writeFileSync(join(dir, "short"), readFileSync(image).subarray(0, -(1 << 20)));
  await t.rejects(withErofs(join(dir, "short"), () => undefined), { code: "TRUNCATED" }, "the end is missing");
  writeFileSync(join(dir, "none"), "");
  await t.rejects(withErofs(join(dir, "none"), () => undefined), { code: "TRUNCATED" }, "no image");
});

t.test("folders that contain themselves or name something twice are refused", async (t) => {
  const data = readFileSync(image);
  for (const [from, to] of [["emptyetcmany", "emptyetcetc/"], ["emptyetcmany", "emptyetcaaaa"]] as const) {
    const at = data.indexOf(from);
    t.ok(at > 0, "the root folder's names");
    await t.rejects(withErofs(spoil("names", at, [...Buffer.from(to)]), () => undefined), { code: "BAD_VALUE" }, to);
  }
  // The root folder's entries stand before its names: `.` `..` deep empty etc many, 12 bytes each; `many` becomes the root itself.
  const entries = data.indexOf("emptyetcmany") - "...deep".length - 6 * 12;
  await t.rejects(withErofs(spoil("loop", entries + 5 * 12, [...data.subarray(entries, entries + 8)]), () => undefined), { code: "BAD_VALUE" }, "a loop");
});
