import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import t from "tap";
import { utf8 } from "../../proto/wire/bytes.ts";
import { defaultCacheDir, ensureToolchain } from "../toolchain/ensure-toolchain.ts";
import { runTool } from "../toolchain/run-tool.ts";
import { makeDisk } from "./make-disk.ts";

const tc = await ensureToolchain(defaultCacheDir, (line) => t.comment(line));
const dir = mkdtempSync(join(tmpdir(), "kubedos-disk-"));
t.teardown(() => rmSync(dir, { recursive: true }));
const file = (name: string) => join(dir, name);

const rootHash = "00112233445566778899aabbccddeeff0123456789abcdef0123456789abcdef";
writeFileSync(file("uki"), Buffer.alloc(100_000, "uki"));
writeFileSync(file("root"), Buffer.concat([Buffer.alloc(3 << 20), Buffer.alloc(5 << 12, "root")]));
writeFileSync(file("verity"), Buffer.alloc(3 << 12, "verity"));
const request = { uki: file("uki"), root: file("root"), verity: file("verity"), rootHash, volumePolicy: utf8('{"sha256":[]}'), epoch: 1_767_225_600 };
const hash = (name: string) => createHash("sha256").update(readFileSync(file(name))).digest("hex");

t.test("the same request gives the same bytes, seconds later too", async (t) => {
  await makeDisk(tc, { ...request, out: file("one.qcow2") });
  await sleep(2100);
  await makeDisk(tc, { ...request, out: file("two.qcow2") });
  t.equal(hash("one.qcow2"), hash("two.qcow2"));
});

t.test("other tools read the table and the file systems", async (t) => {
  await runTool(tc, ["qemu-img", "convert", "-O", "raw", file("one.qcow2"), file("raw")], { binds: [dir] });
  const table = await readTable("raw");
  t.match(table, [
    { NAME: "esp", TYPE: "c12a7328-f81f-11d2-ba4b-00a0c93ec93b" },
    { NAME: "root", TYPE: "4f68bce3-e8cd-4db1-96e7-fbcaf984b709", UUID: "00112233-4455-6677-8899-aabbccddeeff" },
    { NAME: "root-verity", TYPE: "2c7357ed-ebd2-46d9-aec1-23d437ec2bf5", UUID: "01234567-89ab-cdef-0123-456789abcdef" },
    { NAME: "kubedos-policy", TYPE: "6b756265-646f-4b73-8001-706f6c696379" },
  ]);
  const raw = readFileSync(file("raw"));
  const slice = (i: number, bytes: number) => raw.subarray(Number(table[i]?.["START"]) * 512).subarray(0, bytes);
  t.equal(slice(3, 16_384).toString("latin1"), '{"sha256":[]}'.padEnd(16_384, "\0"), "approvals, padded");
  t.ok(slice(1, readFileSync(file("root")).length).equals(readFileSync(file("root"))), "root");
  t.ok(slice(2, 3 << 12).equals(readFileSync(file("verity"))), "hash tree");
  writeFileSync(file("esp"), slice(0, Number(table[0]?.["SECTORS"]) * 512));
  await runTool(tc, ["fsck.vfat", "-n", file("esp")], { readBinds: [dir] });
  await runTool(tc, ["mcopy", "-i", file("esp"), "::/EFI/BOOT/BOOTX64.EFI", file("back")], { binds: [dir] });
  t.equal(hash("back"), hash("uki"));
});

t.test("the backup table is whole, and a broken primary is seen", async (t) => {
  const whole = await readTable("raw");
  const raw = readFileSync(file("raw"));
  raw[512 + 60] = 0xff;
  writeFileSync(file("broken"), raw);
  t.same(await readTable("broken"), whole, "partx falls back to the backup");
  raw[raw.length - 512 + 60] = 0xff;
  writeFileSync(file("broken"), raw);
  await t.rejects(readTable("broken"), { code: "FAILED" }, "with both headers broken there is no table");
});

/** libblkid checks the CRCs of header and entries before it shows a partition. */
async function readTable(name: string): Promise<Record<string, string>[]> {
  const { stdout } = await runTool(tc, ["partx", "--type", "gpt", "--pairs", "--output", "NR,START,SECTORS,NAME,UUID,TYPE", file(name)], { readBinds: [dir] });
  return stdout.split("\n").map((line) => Object.fromEntries([...line.matchAll(/(\w+)="([^"]*)"/g)].map((m) => [m[1], m[2]])) as Record<string, string>);
}
