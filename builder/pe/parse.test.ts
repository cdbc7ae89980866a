import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import t from "tap";
import { defaultCacheDir, ensureToolchain } from "../toolchain/ensure-toolchain.ts";
import { PeError } from "./error.ts";
import { parsePe } from "./parse.ts";

const tc = await ensureToolchain(defaultCacheDir, (line) => t.comment(line));
const stub = new Uint8Array(readFileSync(join(tc.tree, "usr/lib/systemd/boot/efi/linuxx64.efi.stub")));
const good = parsePe(stub);

t.test("a real stub", async (t) => {
  t.ok(good.sections.some((s) => s.name === ".sbat"));
  t.equal(good.certificates.size, 0);
});

function changed(change: (view: DataView) => void): Uint8Array {
  const copy = Uint8Array.from(stub);
  change(new DataView(copy.buffer));
  return copy;
}

const [text, rodata] = [good.sectionTableOffset, good.sectionTableOffset + 40];

t.test("near misses, each refused for its own reason", async (t) => {
  const cases: readonly [string, Uint8Array, string][] = [
    ["empty", new Uint8Array(), "TRUNCATED"],
    ["no MZ", changed((v) => v.setUint8(0, 0x4c)), "NOT_PE"],
    ["header offset behind the end", changed((v) => v.setUint32(0x3c, 0xffff_fff0, true)), "TRUNCATED"],
    ["no PE", changed((v) => v.setUint8(good.coffOffset - 4, 0)), "NOT_PE"],
    ["for 32-bit x86", changed((v) => v.setUint16(good.coffOffset, 0x14c, true)), "NOT_PE"],
    ["PE32", changed((v) => v.setUint16(good.optionalOffset, 0x10b, true)), "NOT_PE"],
    ["no sections", changed((v) => v.setUint16(good.coffOffset + 2, 0, true)), "BAD_SECTION"],
    ["too many sections", changed((v) => v.setUint16(good.coffOffset + 2, 97, true)), "BAD_SECTION"],
    ["more sections than headers", changed((v) => v.setUint16(good.coffOffset + 2, 40, true)), "BAD_"],
    ["alignment 0", changed((v) => v.setUint32(good.optionalOffset + 36, 0, true)), "BAD_LAYOUT"],
    ["alignment 513", changed((v) => v.setUint32(good.optionalOffset + 36, 513, true)), "BAD_LAYOUT"],
    ["headers longer than the file", changed((v) => v.setUint32(good.optionalOffset + 60, 0x7fff_ffff, true)), "TRUNCATED"],
    ["section behind the end", changed((v) => v.setUint32(text + 16, 0x7fff_ffff, true)), "TRUNCATED"],
    ["section in the headers", changed((v) => v.setUint32(text + 20, 0x200, true)), "BAD_LAYOUT"],
    ["sections share bytes of the file", changed((v) => v.setUint32(rodata + 20, good.sections[0]?.rawOffset ?? 0, true)), "BAD_LAYOUT"],
    ["sections share memory", changed((v) => v.setUint32(rodata + 12, good.sections[0]?.virtualAddress ?? 0, true)), "BAD_LAYOUT"],
    ["image smaller than its sections", changed((v) => v.setUint32(good.optionalOffset + 56, 0x2000, true)), "BAD_LAYOUT"],
    ["certificates in the middle", changed((v) => v.setUint32(good.securityEntryOffset, 0x1000, true)), "BAD_LAYOUT"],
    ["certificates that don't end the file", changed((v) => (v.setUint32(good.securityEntryOffset, stub.length - 16, true), v.setUint32(good.securityEntryOffset + 4, 8, true))), "BAD_LAYOUT"],
    ["name with a slash to a string table's offset and a space", changed((v) => v.setUint8(text + 1, 0x20)), "BAD_SECTION"],
  ];
  for (const [name, file, code] of cases) t.throws(() => parsePe(file), { code: new RegExp(`^${code}`) }, name);
});

t.test("changed or cut files are parsed or refused, and nothing else", async (t) => {
  const mutation = fc.tuple(fc.integer({ min: 0, max: good.sizeOfHeaders - 1 }), fc.integer({ min: 0, max: 255 }));
  fc.assert(
    fc.property(fc.array(mutation, { minLength: 1, maxLength: 8 }), fc.option(fc.integer({ min: 0, max: stub.length })), (bytes, cut) => {
      const file = Uint8Array.from(cut === null ? stub : stub.subarray(0, cut));
      for (const [at, value] of bytes) if (at < file.length) file[at] = value;
      try {
        parsePe(file);
      } catch (e) {
        if (!(e instanceof PeError)) throw e;
      }
    }),
    { numRuns: 2000 },
  );
  t.pass();
});
