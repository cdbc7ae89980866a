import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { sha256, utf8 } from "../../proto/wire/bytes.ts";
import { toHex } from "../../proto/wire/hex.ts";
import { defaultCacheDir, ensureToolchain } from "../toolchain/ensure-toolchain.ts";
import { type DiskInputs, keepDisk } from "./kept-disk.ts";
import { makeDisk } from "./make-disk.ts";

const tc = await ensureToolchain(defaultCacheDir, (line) => t.comment(line));
const dir = mkdtempSync(join(tmpdir(), "kubedos-kept-disk-"));
t.teardown(() => rmSync(dir, { recursive: true }));
const [at, cache] = [(name: string) => join(dir, name), join(dir, "cache")];

const signedUki = Buffer.alloc(100_000, "uki");
writeFileSync(at("root"), Buffer.alloc(5 << 12, "root"));
writeFileSync(at("verity"), Buffer.alloc(3 << 12, "verity"));
const rootHash = "00112233445566778899aabbccddeeff0123456789abcdef0123456789abcdef";
const inputs: DiskInputs = { role: "worker", imageKey: "0", signedUki, root: at("root"), rootDigest: "ab".repeat(32), verity: at("verity"), rootHash, volumePolicy: utf8("{}"), epoch: 1_767_225_600 };
const digest = (path: string) => toHex(sha256(readFileSync(path)));

t.test("with and without the cache the disk is the same, to the bit", async (t) => {
  writeFileSync(at("uki"), signedUki);
  await makeDisk(tc, { ...inputs, uki: at("uki"), out: at("plain") });
  const lines: string[] = [];
  const report = (line: string) => void lines.push(line);
  const disk = await keepDisk(tc, inputs, cache, report);
  t.equal(await disk.copyTo(at("made")), digest(at("plain")));
  t.equal(digest(at("made")), digest(at("plain")));
  t.equal(await (await keepDisk(tc, inputs, cache, report)).copyTo(at("kept")), digest(at("plain")));
  t.same(lines, ["worker: making the disk"], "made once");
  t.same(readdirSync(join(cache, disk.name)).sort(), ["SHA256SUMS", "disk.qcow2"]);
});

t.test("a release's disk is a file of its own", async (t) => {
  const { name } = await keepDisk(tc, inputs, cache, t.fail);
  t.not(statSync(at("kept")).ino, statSync(at("made")).ino);
  writeFileSync(at("made"), "changed by somebody");
  t.equal(digest(join(cache, name, "disk.qcow2")), digest(at("plain")));
  t.equal(digest(at("kept")), digest(at("plain")));
});

t.test("a disk that was changed in the cache gets into no release", async (t) => {
  const disk = await keepDisk(tc, inputs, cache, t.fail);
  const file = join(cache, disk.name, "disk.qcow2");
  const data = readFileSync(file);
  data[data.length >> 1] = (data[data.length >> 1] ?? 0) ^ 1;
  writeFileSync(file, data);
  const lines: string[] = [];
  const again = await keepDisk(tc, inputs, cache, (line) => lines.push(line));
  t.equal(await again.copyTo(at("healed")), digest(at("plain")));
  t.match(lines, [/is not as it was made/, /making the disk/]);
  t.equal(digest(at("healed")), digest(at("plain")), "made anew, over what was copied");
});

t.test("whatever shapes a disk names another", async (t) => {
  const { name } = await keepDisk(tc, inputs, cache, t.fail);
  writeFileSync(at("verity-2"), Buffer.alloc(3 << 12, "Verity"));
  const others: readonly Partial<DiskInputs>[] = [{ imageKey: "1" }, { signedUki: Buffer.alloc(100_000, "Uki") }, { rootDigest: "ac".repeat(32) }, { verity: at("verity-2") }, { rootHash: rootHash.replace("0", "1") }, { volumePolicy: null }, { epoch: 1_767_225_601 }];
  const names = new Set([name]);
  for (const other of others) names.add((await keepDisk(tc, { ...inputs, ...other }, cache, () => undefined)).name);
  t.equal(names.size, others.length + 1);
});
