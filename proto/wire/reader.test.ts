import t from "tap";
import { ByteReader } from "./reader.ts";

t.test("reads in both byte orders and keeps its place", async (t) => {
  const r = new ByteReader(Uint8Array.of(1, 2, 3, 4, 0x80, 0, 0, 0, 0, 2, 7, 8));
  t.equal(r.u16be(), 0x0102);
  t.equal(r.u16le(), 0x0403);
  t.equal(r.u32be(), 0x80000000, "unsigned, also with the top bit");
  t.same(r.sized16be(2), Uint8Array.of(7, 8));
  t.same(r.since(8), Uint8Array.of(0, 2, 7, 8));
  t.doesNotThrow(() => r.end());
});

t.test("every bound is checked before it moves", async (t) => {
  const four = () => new ByteReader(Uint8Array.of(1, 2, 3, 4));
  for (const n of [-1, 5, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
    t.throws(() => four().bytes(n), { code: "TRUNCATED" }, `bytes(${n})`);
  }
  const r = four();
  t.throws(() => r.u64be(), { code: "TRUNCATED" });
  t.equal(r.left, 4, "a refused read moves nothing");
  t.throws(() => r.end(), { code: "TRAILING_BYTES" });
  t.throws(() => r.since(1), { code: "BAD_VALUE" });
  t.throws(() => four().sized16be(3), { code: "TOO_LARGE" });
  t.throws(() => four().sized32le(1 << 20), { code: "TOO_LARGE" });
  t.throws(() => new ByteReader(Uint8Array.of(0, 3, 1, 2)).sized16be(3), { code: "TRUNCATED" });
});

t.test("respects the window of a subarray", async (t) => {
  const r = new ByteReader(Uint8Array.of(9, 9, 1, 2, 9).subarray(2, 4));
  t.equal(r.u16be(), 0x0102);
  t.throws(() => r.u8(), { code: "TRUNCATED" });
});
