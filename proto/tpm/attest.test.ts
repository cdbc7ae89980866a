import t from "tap";
import { acceptedTruncations, overwrite } from "../../test/swtpm/mutations.ts";
import { keylime, windows } from "../../test/swtpm/quote-vectors.ts";
import { concatBytes } from "../wire/bytes.ts";
import { toHex } from "../wire/hex.ts";
import { ByteReader } from "../wire/reader.ts";
import { ALG } from "./alg.ts";
import { ATTEST_QUOTE, parseAttest, TPM_GENERATED } from "./attest.ts";
import { marshalPcrSelections, readPcrSelections } from "./pcr-selection.ts";

/** Offsets in keylime's quote: its nonce has 20 bytes. */
const AT = { magic: 0, type: 4, extraData: 42, safe: 80, count: 89, hash: 93, size: 95, select: 96, digest: 99 } as const;

t.test("reads keylime's quote", async (t) => {
  const a = parseAttest(keylime.quote);
  t.equal(a.magic, TPM_GENERATED);
  t.equal(a.type, ATTEST_QUOTE);
  t.equal(toHex(a.extraData), "db1db298db6d60e6385b7231743e9c3056a18003");
  t.same(a.clock, { clock: 0x176an, resetCount: 0, restartCount: 0, safe: true });
  t.equal(a.firmwareVersion, 0x2016051100162800n);
  t.same(a.quote?.selections, [{ hash: ALG.SHA256, pcrs: [15, 16, 22] }]);
  t.equal(a.quote?.digest.length, 32);
  t.equal(a.other, undefined);
});

t.test("reads a Windows quote: SHA-1 bank, empty nonce, a resetCount with the key's own offset", async (t) => {
  const a = parseAttest(windows.quote);
  t.equal(a.extraData.length, 0);
  t.equal(a.clock.resetCount, 1045281252);
  t.same(a.quote?.selections, [{ hash: ALG.SHA1, pcrs: Array.from({ length: 24 }, (_, i) => i) }]);
});

t.test("another type keeps its body raw, and has no quote", async (t) => {
  const a = parseAttest(windows.creation);
  t.equal(a.magic, TPM_GENERATED);
  t.equal(a.type, 0x801a);
  t.equal(a.quote, undefined);
  t.equal(a.other?.length, 2 + 34 + 2 + 32);
  const retyped = parseAttest(overwrite(keylime.quote, AT.type, 0x80, 0x17));
  t.equal(retyped.quote, undefined, "the type decides, not the shape");
});

t.test("magic and type are reported as they are", async (t) => {
  const flipped = parseAttest(overwrite(keylime.quote, AT.magic, 0xfe));
  t.equal(flipped.magic, 0xfe544347);
  t.ok(flipped.quote, "judging is done elsewhere");
});

t.test("nothing shorter or longer is a quote", async (t) => {
  for (const quote of [keylime.quote, windows.quote]) {
    t.same(acceptedTruncations(quote, parseAttest), []);
    t.throws(() => parseAttest(concatBytes(quote, Uint8Array.of(0))), { name: "WireError", code: "TRAILING_BYTES" });
  }
  t.throws(() => parseAttest(new Uint8Array(4097)), { code: "TOO_LARGE" });
});

t.test("near misses", async (t) => {
  const q = keylime.quote;
  t.throws(() => parseAttest(overwrite(q, AT.safe, 2)), { name: "WireError", code: "BAD_VALUE" }, "safe is neither YES nor NO");
  t.throws(() => parseAttest(overwrite(q, AT.extraData, 0xff, 0xff)), { code: "TOO_LARGE" }, "extraData of 65535 bytes");
  t.throws(() => parseAttest(overwrite(q, AT.digest, 0x00, 0x41)), { code: "TOO_LARGE" }, "a digest of 65 bytes");
  t.throws(() => parseAttest(overwrite(q, AT.digest, 0x00, 0x1f)), { code: "TRAILING_BYTES" }, "a digest of 31 bytes and one left");
});

t.test("near misses of the selection", async (t) => {
  const q = keylime.quote;
  t.throws(() => parseAttest(overwrite(q, AT.size, 2)), { name: "WireError", code: "BAD_VALUE" }, "two bytes");
  t.throws(() => parseAttest(overwrite(q, AT.size, 4)), { name: "WireError", code: "BAD_VALUE" }, "four bytes: PCRs over 23");
  t.throws(() => parseAttest(overwrite(q, AT.size, 0)), { name: "WireError", code: "BAD_VALUE" }, "none");
  t.throws(() => parseAttest(overwrite(q, AT.hash, 0x00, 0x10)), { code: "BAD_VALUE" }, "bank NULL");
  t.throws(() => parseAttest(overwrite(q, AT.hash, 0x00, 0x08)), { code: "BAD_VALUE" }, "bank KEYEDHASH");
  t.throws(() => parseAttest(overwrite(q, AT.count, 0xff, 0xff, 0xff, 0xff)), { code: "TOO_LARGE" }, "2³² banks");
  t.throws(() => parseAttest(overwrite(q, AT.count, 0, 0, 0, 17)), { code: "TOO_LARGE" }, "17 banks");
  t.throws(() => parseAttest(overwrite(q, AT.count, 0, 0, 0, 0)), { code: "TRAILING_BYTES" }, "no bank, but its selection");
  const list = [{ hash: ALG.SHA256, pcrs: [0] }, { hash: ALG.SHA1, pcrs: [1] }, { hash: ALG.SHA256, pcrs: [2] }];
  const twice = concatBytes(q.subarray(0, AT.count), marshalPcrSelections(list), q.subarray(AT.digest));
  t.throws(() => parseAttest(twice), { name: "WireError", code: "BAD_VALUE", message: /sha256 twice/ }, "one bank twice");
});

t.test("selections read back as they were written, in their order", async (t) => {
  const list = [{ hash: ALG.SHA384, pcrs: [] }, { hash: ALG.SHA256, pcrs: [0, 7, 8, 23] }];
  t.same(readPcrSelections(new ByteReader(marshalPcrSelections(list))), list);
  t.equal(toHex(marshalPcrSelections([{ hash: ALG.SHA256, pcrs: [23, 0, 9] }])), "00000001000b03010280");
  for (const pcr of [24, -1, 1.5, Number.NaN]) {
    t.throws(() => marshalPcrSelections([{ hash: ALG.SHA256, pcrs: [pcr] }]), RangeError);
  }
});
