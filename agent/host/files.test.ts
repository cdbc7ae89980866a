import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { createFiles } from "./files.ts";

const root = mkdtempSync(join(tmpdir(), "kubedos-files-"));
t.teardown(() => rmSync(root, { recursive: true }));
const files = createFiles(root);

t.test("written whole, with its mode from the first byte", async (t) => {
  await files.write("/run/a/key", new Uint8Array([1, 2]), { mode: 0o600 });
  t.same(await files.read("/run/a/key", 2), new Uint8Array([1, 2]));
  t.equal(statSync(join(root, "run/a/key")).mode & 0o777, 0o600);
  await files.write("/run/a/key", new Uint8Array([3]), { mode: 0o644, ownedByFolder: true });
  t.same(readdirSync(join(root, "run/a")), ["key"], "no temporary file stays");
});

t.test("what stands at the temporary name is not written through", async (t) => {
  const victim = join(root, "victim");
  writeFileSync(victim, "untouched");
  symlinkSync(victim, join(root, "run/a/out.tmp"));
  await files.write("/run/a/out", new Uint8Array([1]), { mode: 0o644 });
  t.equal(readFileSync(victim, "utf8"), "untouched");
});

t.test("reads that are refused", async (t) => {
  await t.rejects(files.read("/run/a/key", 0), { code: "FILE_TOO_LARGE" });
  symlinkSync("/etc/passwd", join(root, "link"));
  await t.rejects(files.read("/link", 10_000), { code: "ELOOP" }, "a symbolic link");
  mkdirSync(join(root, "folder"));
  await t.rejects(files.read("/folder", 10), "a folder");
  t.equal(spawnSync("mkfifo", [join(root, "fifo")]).status, 0);
  await t.rejects(files.read("/fifo", 10), { code: "BAD_REQUEST" }, "a FIFO doesn't hang the agent");
});

t.test("what isn't there", async (t) => {
  t.equal(await files.read("/nowhere", 10), null);
  t.same(await files.list("/nowhere"), []);
  t.equal(await files.exists("/nowhere"), false);
  await files.remove("/nowhere");
});
