import t from "tap";
import { keylime, windows } from "../../test/swtpm/quote-vectors.ts";
import { sha256, utf8 } from "../wire/bytes.ts";
import { toHex } from "../wire/hex.ts";
import { ALG } from "./alg.ts";
import { parseAttest } from "./attest.ts";
import { extend, pcrDigest, replayExtends, ZERO_PCR } from "./pcr.ts";

t.test("extends as a TPM does", async (t) => {
  const word = sha256(utf8("enter-initrd"));
  t.equal(toHex(extend(ZERO_PCR, word)), toHex(sha256(new Uint8Array(32), word)));
  t.not(toHex(extend(word, ZERO_PCR)), toHex(extend(ZERO_PCR, word)), "the order counts");
});

t.test("replays in order, from where it is told", async (t) => {
  const [a, b] = [sha256(utf8("a")), sha256(utf8("b"))];
  t.same(replayExtends([]), ZERO_PCR);
  t.same(replayExtends([a, b]), extend(extend(ZERO_PCR, a), b));
  t.not(toHex(replayExtends([b, a])), toHex(replayExtends([a, b])));
  const locality3 = new Uint8Array(32);
  locality3[31] = 3;
  t.same(replayExtends([a], locality3), extend(locality3, a));
  t.equal(replayExtends([], undefined, ALG.SHA384).length, 48);
});

t.test("refuses digests of another bank", async (t) => {
  const bad = { name: "WireError", code: "BAD_VALUE" };
  t.throws(() => extend(ZERO_PCR, new Uint8Array(20)), bad);
  t.throws(() => extend(new Uint8Array(20), ZERO_PCR), bad);
  t.throws(() => replayExtends([new Uint8Array(33)]), bad);
  t.throws(() => extend(ZERO_PCR, ZERO_PCR, ALG.SHA384), bad);
});

t.test("pcrDigest is that of the recorded quotes", async (t) => {
  t.equal(keylime.pcrs.length, 3);
  t.same(pcrDigest(keylime.pcrs), parseAttest(keylime.quote).quote?.digest);
  t.same(pcrDigest(windows.pcrs, ALG.SHA1), parseAttest(windows.quote).quote?.digest);
  t.not(toHex(pcrDigest([...keylime.pcrs].reverse())), toHex(pcrDigest(keylime.pcrs)));
});
