import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { defaultCacheDir, ensureToolchain } from "../toolchain/ensure-toolchain.ts";
import { runTool } from "../toolchain/run-tool.ts";
import { cpioArchive } from "./cpio.ts";
import type { CpioEntry } from "./cpio.ts";

const entries: readonly CpioEntry[] = [
  { type: "folder", path: "dev", mode: 0o755 },
  { type: "device", path: "dev/console", mode: 0o600, major: 5, minor: 1 },
  { type: "file", path: "init", mode: 0o500, data: Buffer.from("not a multiple of four") },
  { type: "file", path: "empty", mode: 0o400, data: new Uint8Array() },
];

t.test("the standard tool unpacks what we packed", async (t) => {
  const tc = await ensureToolchain(defaultCacheDir, (line) => t.comment(line));
  const dir = await mkdtemp(join(tmpdir(), "kubedos-cpio-"));
  t.teardown(() => rm(dir, { recursive: true, force: true }));
  await writeFile(join(dir, "a.cpio"), cpioArchive(entries));
  const { stdout } = await runTool(tc, ["cpio", "--list", "--verbose", "--numeric-uid-gid", "-F", join(dir, "a.cpio")], { readBinds: [dir] });
  const listed = stdout.split("\n").filter((line) => line !== "").map((line) => line.replace(/\s+/g, " "));
  t.same(listed.map((line) => [line.split(" ")[0], line.split(" ").at(-1)]), [
    ["drwxr-xr-x", "dev"],
    ["crw-------", "dev/console"],
    ["-r-x------", "init"],
    ["-r--------", "empty"],
  ]);
  t.match(listed[1], /5, 1/);
  await runTool(tc, ["cpio", "--extract", "--quiet", "-F", join(dir, "a.cpio"), "init", "empty"], { binds: [dir], cwd: dir });
  t.equal(await readFile(join(dir, "init"), "utf8"), "not a multiple of four");
  t.equal((await stat(join(dir, "empty"))).size, 0);
});

t.test("equal entries give equal bytes, in whole blocks", async (t) => {
  const a = cpioArchive(entries);
  t.same(a, cpioArchive(entries));
  t.equal(a.length % 512, 0);
});

t.test("paths that an initrd must not hold", async (t) => {
  for (const path of ["", "/init", "a//b", "../init", "a/./b", "a/..", "a b", "a\0b", "ünit", "x".repeat(1025)]) {
    t.throws(() => cpioArchive([{ type: "file", path, mode: 0o400, data: new Uint8Array() }]), RangeError, JSON.stringify(path.slice(0, 20)));
  }
  const twice: CpioEntry = { type: "folder", path: "a", mode: 0o755 };
  t.throws(() => cpioArchive([twice, twice]), /twice/);
});
