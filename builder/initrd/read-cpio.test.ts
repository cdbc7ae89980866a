import t from "tap";
import { concatBytes, utf8 } from "../../proto/wire/bytes.ts";
import { cpioArchive, type CpioEntry } from "./cpio.ts";
import { readCpio } from "./read-cpio.ts";

const entries: readonly CpioEntry[] = [
  { type: "folder", path: "dev", mode: 0o755 },
  { type: "device", path: "dev/console", mode: 0o600, major: 5, minor: 1 },
  { type: "file", path: "init", mode: 0o500, data: utf8("not a multiple of four") },
  { type: "file", path: "modules/one.ko", mode: 0o400, data: utf8("module") },
];
const good = cpioArchive(entries);

/** Offset of a text in the archive; each stands there once. */
const at = (text: string): number => Buffer.from(good).indexOf(text);
/** Offset of a header by its entry's name. */
const header = (path: string): number => at(`${path}\0`) - 110;
/** Offset of the nth field of a header: ino, mode, uid, gid, nlink, mtime, filesize, devmajor, devminor, rdevmajor, rdevminor, namesize, check. */
const field = (path: string, n: number): number => header(path) + 6 + n * 8;

/** The same archive with other bytes at an offset. */
function put(offset: number, data: string): Uint8Array {
  const copy = Uint8Array.from(good);
  copy.set(Buffer.from(data, "latin1"), offset);
  return copy;
}

t.test("what cpioArchive wrote comes back", async (t) => {
  t.same(readCpio(good).map((f) => [f.path, f.mode.toString(8), Buffer.from(f.data).toString()]), [
    ["dev", "40755", ""],
    ["dev/console", "20600", ""],
    ["init", "100500", "not a multiple of four"],
    ["modules/one.ko", "100400", "module"],
  ]);
  const many = Array.from({ length: 4096 }, (_, i): CpioEntry => ({ type: "file", path: `f${i}`, mode: 0o400, data: new Uint8Array() }));
  t.equal(readCpio(cpioArchive(many)).length, 4096, "as many as are read");
  t.throws(() => readCpio(cpioArchive([...many, ...entries])), { code: "TOO_LARGE", message: "the archive has more than 4096 entries" });
  const long = "x".repeat(1024);
  t.equal(readCpio(cpioArchive([{ type: "folder", path: long, mode: 0o700 }]))[0]?.path, long, "as long as names may be");
});

const cases: readonly [string, Uint8Array, string, RegExp][] = [
  ["another magic", put(header("init"), "070702"), "BAD_VALUE", /start with its magic/],
  ["a binary header", put(header("dev"), "\xc7\x71"), "BAD_VALUE", /start with its magic/],
  ["a size that is no number", put(field("init", 6), "0000001G"), "BAD_VALUE", /no hexadecimal number/],
  ["a size with a sign", put(field("init", 6), "-0000016"), "BAD_VALUE", /no hexadecimal number/],
  ["a size behind the end", put(field("init", 6), "FFFFFFFF"), "TRUNCATED", /need 4294967295 bytes/],
  ["a size that is one too small", put(field("init", 6), "00000015"), "BAD_VALUE", /between the entries/],
  ["a size four too large", put(field("init", 6), "0000001C"), "BAD_VALUE", /start with its magic/],
  ["a name without an end", put(field("init", 11), "00000004"), "BAD_VALUE", /between the entries/],
  ["a name of nothing", put(field("init", 11), "00000001"), "BAD_VALUE", /a name of 1 bytes/],
  ["a name over the bounds", put(field("init", 11), "00000402"), "BAD_VALUE", /a name of 1026 bytes/],
  ["an absolute name", put(at("init\0"), "/nit"), "BAD_VALUE", /"\/nit" is no name/],
  ["a name upwards", put(at("modules/one.ko"), "modules/../.ko"), "BAD_VALUE", /"modules\/\.\.\/\.ko" is no name/],
  ["a name to its own folder", put(at("modules/one.ko"), "modules/./e.ko"), "BAD_VALUE", /is no name/],
  ["a name with two slashes", put(at("modules/one.ko"), "modules//ne.ko"), "BAD_VALUE", /is no name/],
  ["a name that ends within", put(at("modules/one.ko"), "modules\0one.ko"), "BAD_VALUE", /"modules\\u0000one\.ko" is no name/],
  ["a name that isn't ASCII", put(at("init\0"), "\xfcnit"), "BAD_VALUE", /is no name/],
  ["a name behind whose end something stands", put(at("modules/one.ko") + 15, "x"), "BAD_VALUE", /between the entries/],
  ["a file that is a link to another", put(field("init", 4), "00000002"), "BAD_VALUE", /init in the archive is a link/],
  ["a byte in the padding", put(at("four") + 4, "x"), "BAD_VALUE", /between the entries/],
  ["a byte behind the end", put(good.length - 1, "x"), "BAD_VALUE", /or behind them/],
  ["another archive behind the end", concatBytes(good, good), "TRAILING_BYTES", /behind the end of the archive/],
  ["another block behind the end", concatBytes(good, new Uint8Array(512)), "TRAILING_BYTES", /behind the end/],
];
for (const [name, spoilt, code, message] of cases) {
  t.test(name, async (t) => {
    t.equal(readCpio(good).length, entries.length);
    t.not(Buffer.compare(spoilt, good), 0);
    t.throws(() => readCpio(spoilt), { code, message });
  });
}

t.test("an entry twice", async (t) => {
  const one = cpioArchive([{ type: "file", path: "a1", mode: 0o400, data: utf8("x") }, { type: "file", path: "a2", mode: 0o400, data: utf8("y") }]);
  t.equal(readCpio(one).length, 2);
  const twice = Uint8Array.from(one);
  twice.set(utf8("a1"), Buffer.from(one).indexOf("a2\0"));
  t.throws(() => readCpio(twice), { code: "BAD_VALUE", message: "a1 is in the archive twice" });
});

t.test("cut anywhere", async (t) => {
  const end = Math.ceil((at("TRAILER!!!\0") + 11) / 4) * 4;
  t.equal(readCpio(good.subarray(0, end)).length, entries.length, "only the zeros that fill the last block may be missing");
  for (let length = 0; length < end; length++) t.throws(() => readCpio(good.subarray(0, length)), { code: "TRUNCATED" });
});
