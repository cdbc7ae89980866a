import t from "tap";
import { isWholeResponse, MAX_RESPONSE_BYTES } from "./is-whole-response.ts";

/** A response that claims `size` bytes, of which `length` have come. */
function response(size: number, length: number): Uint8Array {
  const data = new Uint8Array(length);
  const header = Uint8Array.of(0x80, 0x01, size >>> 24, (size >>> 16) & 255, (size >>> 8) & 255, size & 255, 0, 0, 0, 0);
  data.set(header.subarray(0, Math.min(length, header.length)));
  return data;
}

t.test("a response is whole when all that it claims has come", async (t) => {
  for (const size of [10, 11, 500, MAX_RESPONSE_BYTES]) {
    for (let length = 0; length < size; length += Math.max(1, size >> 5)) t.equal(isWholeResponse(response(size, length)), false, `${length} of ${size}`);
    t.equal(isWholeResponse(response(size, size)), true, String(size));
  }
});

t.test("sizes that no response has, and bytes that nobody asked for", async (t) => {
  for (const size of [0, 9, MAX_RESPONSE_BYTES + 1, 0x7fff_ffff, 0xffff_ffff]) {
    t.equal(isWholeResponse(response(size, 9)), false, "nothing is known before the header is there");
    t.throws(() => isWholeResponse(response(size, 10)), { code: "BAD_VALUE" }, String(size));
  }
  t.throws(() => isWholeResponse(response(12, 13)), { code: "TRAILING_BYTES" });
});
