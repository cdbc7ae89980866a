import { zstdCompressSync } from "node:zlib";
import t from "tap";
import { concatBytes, utf8 } from "../../proto/wire/bytes.ts";
import { cpioArchive, type CpioEntry } from "../initrd/cpio.ts";
import { type Content, fileContent } from "./content.ts";
import { explainUki, type UkiFacts } from "./explain-uki.ts";

type Section = readonly [name: string, data: Uint8Array];

/** A PE32+ image of these sections, as small as parsePe takes it. */
function pe(sections: readonly Section[]): Uint8Array {
  const [headers, step] = [0x1000, 0x1000];
  const sizes = sections.map(([, data]) => Math.ceil(data.length / 512) * 512);
  const file = Buffer.alloc(headers + sizes.reduce((sum, size) => sum + size, 0));
  file.write("MZ", 0);
  file.writeUInt32LE(0x40, 60);
  file.write("PE\0\0", 0x40);
  file.writeUInt16LE(0x8664, 0x44);
  file.writeUInt16LE(sections.length, 0x46);
  file.writeUInt16LE(240, 0x54);
  const optional = 0x58;
  file.writeUInt16LE(0x20b, optional);
  file.writeUInt32LE(step, optional + 32);
  file.writeUInt32LE(512, optional + 36);
  file.writeUInt32LE(headers, optional + 60);
  file.writeUInt32LE(16, optional + 108);
  let [raw, address] = [headers, headers];
  for (const [i, [name, data]] of sections.entries()) {
    const at = optional + 240 + i * 40;
    file.write(name, at, "latin1");
    for (const [n, value] of [data.length, address, sizes[i] ?? 0, raw].entries()) file.writeUInt32LE(value, at + 8 + n * 4);
    file.set(data, raw);
    raw += sizes[i] ?? 0;
    address += Math.ceil(data.length / step) * step;
  }
  file.writeUInt32LE(address, optional + 56);
  return file;
}

const text: Section = [".text", utf8("code of the stub")];
const stub = pe([text, [".sbat", utf8("sbat of the stub")]]);
const kernel = new Map<string, Content>([["/boot/vmlinuz-6.12", fileContent(utf8("kernel"))], ["/usr/lib/modules/6.12/kernel/fs/one.ko", fileContent(utf8("module"))], ["/usr/share/doc/linux/copyright", fileContent(utf8("words"))]]);
const file = (path: string, data: string): CpioEntry => ({ type: "file", path, mode: 0o400, data: utf8(data) });
const files: readonly CpioEntry[] = [
  { type: "folder", path: "dev", mode: 0o755 },
  { type: "device", path: "dev/console", mode: 0o600, major: 5, minor: 1 },
  file("init", "init"),
  file("cmdline", "roothash=00"),
  file("verity", "1 00"),
  { type: "folder", path: "modules", mode: 0o700 },
  file("modules/list", "one.ko\n"),
  file("modules/one.ko", "module"),
];
const initrd = (entries: readonly CpioEntry[]): Uint8Array => zstdCompressSync(cpioArchive(entries));
const sections: readonly Section[] = [text, [".sbat", utf8("all")], [".osrel", utf8("ID=x")], [".cmdline", utf8("roothash=00")], [".uname", utf8("6.12")], [".pcrpkey", utf8("key")], [".linux", utf8("kernel")], [".initrd", initrd(files)], [".pcrsig", utf8("{}")]];

const facts = (uki: Uint8Array): UkiFacts => ({ uki, stub, stubPackage: "systemd-boot-efi", kernel, kernelPackage: "linux-image", compiler: "gcc 14" });
const explain = (parts: readonly Section[]) => explainUki(facts(pe(parts)));
/** The sections with another one in the place of that of its name. */
const withSection = (name: string, data: Uint8Array): readonly Section[] => sections.map((s) => (s[0] === name ? [name, data] : s));
const withInitrd = (entries: readonly CpioEntry[]): readonly Section[] => withSection(".initrd", initrd(entries));
const instead = (path: string, entry: CpioEntry): readonly CpioEntry[] => files.map((f) => (f.path === path ? entry : f));

t.test("each part of a boot image and where it comes from", async (t) => {
  const parts = explain(sections);
  t.same(parts.map((p) => p.path), [
    "uki.efi/stub", "uki.efi/.sbat", "uki.efi/.osrel", "uki.efi/.cmdline", "uki.efi/.uname", "uki.efi/.pcrpkey", "uki.efi/.linux",
    "uki.efi/.initrd/init", "uki.efi/.initrd/cmdline", "uki.efi/.initrd/verity", "uki.efi/.initrd/modules/list", "uki.efi/.initrd/modules/one.ko", "uki.efi/.pcrsig",
  ]);
  t.match(parts.find((p) => p.path.endsWith("one.ko")), { from: "/usr/lib/modules/6.12/kernel/fs/one.ko of linux-image", package: "linux-image" });
  t.match(parts.find((p) => p.path.endsWith(".linux")), { from: "/boot/vmlinuz-6.12 of linux-image" });
});

const raw = (name: string, link: number): Uint8Array => {
  const archive = Buffer.from(cpioArchive([...files, file(name, "init")]));
  archive.write(link.toString(16).padStart(8, "0"), archive.indexOf(`${name}\0`) - 110 + 14, "latin1");
  return zstdCompressSync(archive);
};
const whole = initrd(files);
const cases: readonly [string, readonly Section[], RegExp][] = [
  ["other code of the stub", withSection(".text", utf8("code of the stuB")), /section \.text of the UKI is not the stub's/],
  ["more code of the stub", withSection(".text", utf8("code of the stub, and more")), /section \.text/],
  ["a section that nobody knows", [...sections, [".evil", utf8("x")]], /section \.evil of the UKI is not the stub's and none of ours/],
  ["a section under our name in other letters", [...sections, [".CMDLINE", utf8("x")]], /section \.CMDLINE/],
  ["a section twice", [...sections, [".cmdline", utf8("init=/bin/sh")]], /has a section \.cmdline twice/],
  ["another kernel", withSection(".linux", utf8("kerneL")), /the kernel in the UKI is not that of package linux-image/],
  ["another file of the kernel's package", withSection(".linux", utf8("words")), /the kernel in the UKI/],
  ["another module", withInitrd(instead("modules/one.ko", file("modules/one.ko", "modulE"))), /modules\/one\.ko in the initrd is none/],
  ["a module under another name", withInitrd(instead("modules/one.ko", file("modules/two.ko", "module"))), /modules\/two\.ko in the initrd/],
  ["a module where it doesn't belong", withInitrd([...files, file("modulesX/one.ko", "module")]), /modulesX\/one\.ko in the initrd/],
  ["another file", withInitrd([...files, file("sbin", "x")]), /sbin in the initrd/],
  ["another command line for init", withInitrd(instead("cmdline", file("cmdline", "roothash=01"))), /cmdline in the initrd/],
  ["another device", withInitrd([...files, { type: "device", path: "dev/mem", mode: 0o600, major: 1, minor: 1 }]), /dev\/mem in the initrd is no file/],
  ["another folder", withInitrd([...files, { type: "folder", path: "etc", mode: 0o755 }]), /etc in the initrd is no file/],
  ["a folder where a device belongs", withInitrd(instead("dev/console", { type: "folder", path: "dev/console", mode: 0o755 })), /dev\/console in the initrd is no file/],
  ["a link", withSection(".initrd", raw("bin", 0o120777)), /bin in the initrd is no file/],
  ["a pipe", withSection(".initrd", raw("bin", 0o010600)), /bin in the initrd is no file/],
  ["a second initrd behind the first", withSection(".initrd", concatBytes(whole, initrd([file("init", "another")]))), /\d+ bytes stand behind the initrd/],
  ["a byte behind the initrd", withSection(".initrd", concatBytes(whole, new Uint8Array(1))), /1 bytes stand behind the initrd/],
];
for (const [name, spoilt, message] of cases) {
  t.test(name, async (t) => {
    t.equal(explain(sections).length, 13);
    t.throws(() => explain(spoilt), { code: "UKI_UNEXPLAINED", message });
  });
}

/** A zstd frame (RFC 8878) of 2049 blocks, each of which says 128 KiB of zeros in four bytes; the last says that it is. */
const block = (last: number): readonly number[] => [...new Uint8Array(new Uint32Array([(0x2_0000 << 3) | 2 | last]).buffer)].slice(0, 3).concat(0);
const bomb = Uint8Array.from([0x28, 0xb5, 0x2f, 0xfd, 0, 0x58, ...Array.from({ length: 2048 }, () => block(0)).flat(), ...block(1)]);

t.test("what can't be read at all", async (t) => {
  t.equal(explain(sections).length, 13);
  t.throws(() => explain(withSection(".initrd", utf8("no zstd"))), { code: "UKI_UNEXPLAINED", message: /can't be unpacked/ });
  t.throws(() => explain(withSection(".initrd", whole.subarray(0, whole.length - 4))), { code: "UKI_UNEXPLAINED", message: /can't be unpacked/ });
  t.throws(() => explain(withSection(".initrd", bomb)), { code: "UKI_UNEXPLAINED", message: /can't be unpacked: .*larger than/ }, "a bomb of 256 MiB and a bit");
  t.throws(() => explain(withSection(".initrd", zstdCompressSync(utf8("no archive of that kind")))), { code: "BAD_VALUE", message: /magic/ });
  t.throws(() => explainUki(facts(utf8("MZ"))), { code: "TRUNCATED" });
  t.throws(() => explainUki({ ...facts(pe(sections)), kernel: new Map() }), { code: "UKI_UNEXPLAINED" }, "a kernel's package that holds nothing");
});
