import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { sha256 } from "../../proto/wire/bytes.ts";
import { toHex } from "../../proto/wire/hex.ts";
import { keepFiles, type KeptFiles, takeFiles } from "./kept-files.ts";

const cache = mkdtempSync(join(tmpdir(), "kubedos-kept-"));
t.teardown(() => rmSync(cache, { recursive: true }));

/** Counts how often it is made. */
function counted(name: string, text = "whole"): KeptFiles & { readonly made: () => number } {
  let made = 0;
  const make = async (dir: string) => {
    made += 1;
    writeFileSync(join(dir, "file"), text);
  };
  return { name, make, made: () => made };
}

async function read(dir: string) {
  const data = readFileSync(join(dir, "file"));
  return { value: data.toString(), sums: new Map([["file", toHex(sha256(data))]]) };
}

t.test("made once, taken as often as wanted", async (t) => {
  const kept = counted("disk-1");
  const lines: string[] = [];
  for (const _ of [1, 2, 3]) t.equal(await takeFiles(cache, kept, (line) => lines.push(line), read), "whole");
  t.equal(kept.made(), 1);
  t.same(lines, []);
  t.same(readdirSync(cache), ["disk-1"], "nothing half-made stays");
});

const spoils: readonly [string, (dir: string) => void][] = [
  ["a file with other bytes", (dir) => writeFileSync(join(dir, "file"), "Whole")],
  ["half a file", (dir) => writeFileSync(join(dir, "file"), "who")],
  ["no file", (dir) => rmSync(join(dir, "file"))],
  ["no note", (dir) => rmSync(join(dir, "SHA256SUMS"))],
  ["a note of nothing", (dir) => writeFileSync(join(dir, "SHA256SUMS"), "")],
  ["a note of another file", (dir) => writeFileSync(join(dir, "SHA256SUMS"), `${"ab".repeat(32)}  other\n`)],
];
for (const [what, spoil] of spoils) {
  t.test(`${what} is refused and made anew`, async (t) => {
    const kept = counted("disk-2");
    const dir = await keepFiles(cache, kept);
    spoil(dir);
    const lines: string[] = [];
    t.equal(await takeFiles(cache, kept, (line) => lines.push(line), read), "whole");
    t.match(lines, [/disk-2 is not as it was made/]);
    const before = kept.made();
    t.equal(await takeFiles(cache, kept, () => undefined, read), "whole");
    t.equal(kept.made(), before, "and the new one is kept");
  });
}

t.test("what can't be read as it was written ends the build", async (t) => {
  const kept = counted("disk-3");
  await t.rejects(takeFiles(cache, kept, () => undefined, async () => ({ value: "", sums: new Map([["file", "00".repeat(32)]]) })), { code: "FAILED" });
});

t.test("what fails leaves nothing, and a full disk is not taken for a spoiled cache", async (t) => {
  const full = Object.assign(new Error("full"), { code: "ENOSPC" });
  await t.rejects(keepFiles(cache, { name: "disk-4", make: () => Promise.reject(full) }), full);
  t.notOk(existsSync(join(cache, "disk-4")));
  const kept = counted("disk-5");
  await t.rejects(takeFiles(cache, kept, () => undefined, () => Promise.reject(full)), full);
  t.equal(kept.made(), 1);
});
