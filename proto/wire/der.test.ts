import t from "tap";
import { utf8 } from "./bytes.ts";
import { bitString, boolean, der, objectId, sequence, setOf, smallInteger, time, unsignedInteger, utf8String } from "./der.ts";
import { fromHex, toHex } from "./hex.ts";

t.test("lengths are in their shortest form", async (t) => {
  const head = (n: number): string => toHex(der(0x04, new Uint8Array(n)).subarray(0, 5));
  t.same([0, 127, 128, 255, 256, 65535, 65536].map(head).map((text) => text.slice(0, 10)), ["0400", "047f000000", "0481800000", "0481ff0000", "0482010000", "0482ffff00", "0483010000"]);
});

t.test("integers are positive and have no byte too many", async (t) => {
  const cases: [string, string][] = [["00", "020100"], ["7f", "02017f"], ["80", "02020080"], ["0080", "02020080"], ["00007f", "02017f"], ["ff00", "020300ff00"], ["", "020100"]];
  for (const [bytes, wanted] of cases) t.equal(toHex(unsignedInteger(fromHex(bytes))), wanted, bytes);
  t.throws(() => smallInteger(128), RangeError);
  t.throws(() => smallInteger(-1), RangeError);
});

t.test("the other elements", async (t) => {
  t.equal(toHex(objectId("1.2.840.10045.4.3.2")), "06082a8648ce3d040302");
  t.equal(toHex(boolean(true)), "0101ff");
  t.equal(toHex(boolean(false)), "010100");
  t.equal(toHex(bitString(Uint8Array.of(0xa5))), "030200a5");
  t.equal(toHex(utf8String("ü")), "0c02c3bc");
  t.equal(toHex(sequence(smallInteger(1), smallInteger(2))), "3006020101020102");
  t.equal(toHex(setOf(smallInteger(2), smallInteger(1))), "3106020101020102", "sorted by their encoding");
});

t.test("a date changes its kind with the year 2050", async (t) => {
  const text = (date: string): string => new TextDecoder().decode(time(new Date(date)));
  t.equal(text("2026-01-02T03:04:05.678Z"), "\x17\x0d260102030405Z");
  t.equal(text("2049-12-31T23:59:59Z"), "\x17\x0d491231235959Z");
  t.equal(text("2050-01-01T00:00:00Z"), "\x18\x0f20500101000000Z");
  t.same(time(new Date("2050-01-01T00:00:00Z")).subarray(2), utf8("20500101000000Z"));
});
