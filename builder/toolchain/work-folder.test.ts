import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { withWorkFolder } from "./work-folder.ts";

const parent = mkdtempSync(join(tmpdir(), "kubedos-work-"));
t.teardown(() => rmSync(parent, { recursive: true }));

t.test("there while the work is done, gone afterwards", async (t) => {
  const made = await withWorkFolder(join(parent, "new"), "thing-1", async (dir) => {
    t.ok(existsSync(dir));
    return dir;
  });
  t.notOk(existsSync(made));
  await t.rejects(withWorkFolder(parent, "thing", () => Promise.reject(new Error("no"))), { message: "no" });
  t.strictSame(readdirSync(parent), ["new"]);
});

t.test("what a killed process left goes, what a living one makes stays", async (t) => {
  const program = `import { withWorkFolder } from ${JSON.stringify(new URL("work-folder.ts", import.meta.url).href)};
    await withWorkFolder(${JSON.stringify(parent)}, "a-tree", async (dir) => { console.log(dir); await new Promise((resolve) => process.stdin.once("end", resolve).resume()); });`;
  const start = async () => {
    const child = spawn(process.execPath, ["--input-type=module", "--eval", program], { stdio: ["pipe", "pipe", "inherit"] });
    const dir = await new Promise<string>((resolve) => child.stdout.once("data", (data: Buffer) => resolve(data.toString().trim())));
    return { child, dir, ended: new Promise((resolve) => child.once("close", resolve)) };
  };
  const [killed, living] = [await start(), await start()];
  writeFileSync(join(killed.dir, "half"), "");
  killed.child.kill("SIGKILL");
  await killed.ended;
  t.ok(existsSync(killed.dir), "left behind");
  // A pid of today that was another process's before the machine was started anew.
  const reused = join(parent, `.making-old-${process.pid}.1-abcdef`);
  mkdirSync(reused);
  await withWorkFolder(parent, "next", async () => undefined);
  t.notOk(existsSync(killed.dir));
  t.notOk(existsSync(reused));
  t.ok(existsSync(living.dir));
  living.child.stdin.end();
  await living.ended;
  t.notOk(existsSync(living.dir));
});

t.test("names that aren't of this form are left alone", async (t) => {
  const other = join(parent, ".making-something");
  execFileSync("mkdir", [other]);
  await withWorkFolder(parent, "next", async () => undefined);
  t.ok(existsSync(other));
});
