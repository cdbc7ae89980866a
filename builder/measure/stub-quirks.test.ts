import { readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { utf8 } from "../../proto/wire/bytes.ts";
import type { PeImage } from "../pe/parse.ts";
import { parsePe } from "../pe/parse.ts";
import { defaultCacheDir, ensureToolchain } from "../toolchain/ensure-toolchain.ts";
import { assembleUki } from "../uki/assemble.ts";
import { measuredSections } from "./pcr11.ts";
import { STUB_QUIRKS, stubQuirks, stubVersion } from "./stub-quirks.ts";

const tc = await ensureToolchain(defaultCacheDir, (line) => t.comment(line));
const efi = (name: string): Uint8Array => readFileSync(join(tc.tree, "usr/lib/systemd/boot/efi", name));
const parts = { stub: efi("linuxx64.efi.stub"), linux: efi("systemd-bootx64.efi"), osrel: utf8("ID=x\n"), cmdline: utf8("quiet"), uname: utf8("6.12"), initrd: utf8("i"), pcrpkey: utf8("key") };
const uki = parsePe(assembleUki(parts));
const names = (version?: number): readonly string[] => measuredSections(uki, version).map((s) => s.name);

t.test("one UKI, measured as each version of the stub does", async (t) => {
  t.equal(stubVersion(uki), 257, "what the file says of itself");
  t.same(names(), [".linux", ".osrel", ".cmdline", ".initrd", ".uname", ".sbat", ".pcrpkey"]);
  t.same(names(252), [".linux", ".osrel", ".cmdline", ".initrd", ".pcrpkey"], "252 knows neither .uname nor .sbat");
  for (const version of [255, 256, 257, 261]) t.same(names(version), names(), `${version}`);
  t.ok(stubQuirks(256).sections.includes(".ucode"));
  t.notOk(stubQuirks(255).sections.includes(".ucode"), "255 measures no microcode");
  t.ok(stubQuirks(258).sections.includes(".efifw"));
});

t.test("an unknown stub is refused, not guessed", async (t) => {
  for (const version of [251, 253, 254, 262]) t.throws(() => names(version), { code: "UNKNOWN_STUB", message: /252, 255, 256, 257, 258 to 261/ }, `${version}`);
  t.throws(() => measuredSections(parsePe(efi("systemd-bootx64.efi"))), { code: "UNKNOWN_STUB" }, "systemd-boot is no stub");
  const magic = (text: string): PeImage => ({ ...uki, sections: uki.sections.map((s) => (s.name === ".sdmagic" ? { ...s, data: utf8(text) } : s)) });
  t.equal(stubVersion(magic("#### LoaderInfo: systemd-stub 261~rc1 ####\0")), 261);
  for (const text of ["", "#### LoaderInfo: systemd-stub ####", "#### LoaderInfo: systemd-stub 25 ####", "#### LoaderInfo: systemd-stub 257 ####x"]) {
    t.throws(() => stubVersion(magic(text)), { code: "UNKNOWN_STUB" }, text);
  }
});

t.test("each version has one row, and every row the sections that a boot needs", async (t) => {
  STUB_QUIRKS.reduce((last, { from, to, sections }) => {
    t.ok(from > last && to >= from, `${from}`);
    t.equal(new Set(sections).size, sections.length);
    for (const name of [".linux", ".osrel", ".cmdline", ".initrd", ".pcrpkey"]) t.ok(sections.includes(name), name);
    t.notOk(sections.includes(".pcrsig"), "signatures can't be over themselves");
    return to;
  }, 0);
});
