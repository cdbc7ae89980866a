import t from "tap";
import { smbiosTable } from "../../test/fakes/agent-case.ts";
import { utf8 } from "../../proto/wire/bytes.ts";
import { ByteWriter } from "../../proto/wire/writer.ts";
import { findHint } from "./hint-record.ts";
import { readOemStrings } from "./smbios.ts";

const good = smbiosTable(["one", "kubedos.hint={}"]);
const end = (w: ByteWriter) => w.u8(127).u8(4).u16le(0).u16le(0).done();
const oem = (count: number, text: string, length = 5) => new ByteWriter().u8(11).u8(length).u16le(0).u8(count).bytes(utf8(text));

t.test("strings of type 11, wherever they stand", async (t) => {
  t.same(readOemStrings(good), ["one", "kubedos.hint={}"]);
  t.same(readOemStrings(smbiosTable([])), []);
  t.same(readOemStrings(new Uint8Array([...good, 0, 0, 0])), ["one", "kubedos.hint={}"], "padding after the end is legal");
  t.same(readOemStrings(end(oem(0, "\0\0"))), [], "no strings");
});

t.test("near misses", async (t) => {
  const cases: [string, Uint8Array, string][] = [
    ["no bytes", new Uint8Array(0), "TRUNCATED"],
    ["no end-of-table", good.subarray(0, good.length - 6), "TRUNCATED"],
    ["a structure shorter than its header", end(oem(1, "a\0\0", 3)), "BAD_VALUE"],
    ["a length over the end", end(oem(1, "a\0\0", 255)), "TRUNCATED"],
    ["one string more than counted", end(oem(1, "a\0b\0\0")), "BAD_VALUE"],
    ["one string less than counted", end(oem(2, "a\0\0")), "BAD_VALUE"],
    ["a count without its byte", end(oem(1, "a\0\0", 4)), "TRUNCATED"],
    ["an empty set of one NUL", new ByteWriter().u8(1).u8(4).u16le(0).u8(0).u8(9).done(), "BAD_VALUE"],
    ["a string without an end", oem(1, "a".repeat(64)).done(), "TRUNCATED"],
    ["a string too long", end(oem(1, `${"a".repeat(2049)}\0\0`)), "TOO_LARGE"],
    ["too many structures", end(Array.from({ length: 513 }).reduce<ByteWriter>((w) => w.u8(1).u8(4).u16le(0).u16le(0), new ByteWriter())), "TOO_LARGE"],
    ["a table too large", new Uint8Array(65537), "TOO_LARGE"],
  ];
  for (const [name, table, code] of cases) t.throws(() => readOemStrings(table), { code }, name);
  for (let n = 0; n < good.length; n++) t.throws(() => readOemStrings(good.subarray(0, n)), `cut after ${n} bytes`);
});

const hintOf = (...texts: string[]) => findHint(smbiosTable(texts));
const valid = '{"v":1,"slot":"w-1","hub":{"host":"10.0.0.1","port":7443},"lan":[{"interface":"eth0","address":"10.0.0.5/24","gateway":"10.0.0.254"}]}';

t.test("a hint, or none", async (t) => {
  t.match(hintOf(`kubedos.hint=${valid}`), { hint: { slot: "w-1" }, raw: valid, refused: null });
  t.same(hintOf("io.systemd.credential:x=y"), { hint: null, raw: null, refused: null });
  t.same(findHint(null), { hint: null, raw: null, refused: null });
});

t.test("hints that are refused, and shown", async (t) => {
  const cases: [string, string[], RegExp][] = [
    ["two records", [`kubedos.hint=${valid}`, "kubedos.hint={}"], /2 hint records/],
    ["no JSON", ["kubedos.hint=x"], /not JSON/],
    ["an unknown key", ['kubedos.hint={"v":1,"evil":1}'], /nrecognized key/],
    ["another version", ['kubedos.hint={"v":2}'], /v:/],
    ["a host name", ['kubedos.hint={"v":1,"hub":{"host":"hub.example","port":7443}}'], /hub\.host/],
    ["a port out of range", ['kubedos.hint={"v":1,"hub":{"host":"10.0.0.1","port":65536}}'], /hub\.port/],
    ["another interface", ['kubedos.hint={"v":1,"lan":[{"interface":"wg1","address":"10.0.0.5/24"}]}'], /lan\.0\.interface/],
    ["a second line for ip -batch", ['kubedos.hint={"v":1,"lan":[{"interface":"eth0","address":"10.0.0.5/24\\nlink delete dev eth0"}]}'], /lan\.0\.address/],
    ["an address without prefix", ['kubedos.hint={"v":1,"lan":[{"interface":"eth0","address":"10.0.0.5"}]}'], /lan\.0\.address/],
    ["over 1 KiB", [`kubedos.hint={"v":1,"slot":"${"a".repeat(1024)}"}`], /at most 1024/],
  ];
  for (const [name, texts, refused] of cases) t.match(hintOf(...texts), { hint: null, refused }, name);
  t.equal(hintOf(...(cases[9]?.[1] ?? [])).raw, null, "an oversized text isn't claimed");
  t.match(findHint(good.subarray(0, 9)), { hint: null, raw: null, refused: /need/ }, "a broken table");
});
