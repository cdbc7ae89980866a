import t from "tap";
import { acceptedTruncations, overwrite } from "../../test/swtpm/mutations.ts";
import { keylime, windows } from "../../test/swtpm/quote-vectors.ts";
import { makeEccAk, makeRsaAk, signAs, type TestKey } from "../../test/swtpm/test-keys.ts";
import { concatBytes, utf8 } from "../wire/bytes.ts";
import { fromHex } from "../wire/hex.ts";
import { ByteWriter } from "../wire/writer.ts";
import { ALG } from "./alg.ts";
import { curveOf } from "./curve.ts";
import { parsePublic } from "./public.ts";
import type { Scheme } from "./scheme.ts";
import { parseSignature, verifySignature } from "./signature.ts";

const message = utf8("message");
const rsassa = { name: "rsassa", hash: ALG.SHA256 } as const satisfies Scheme;
const rsapss = { name: "rsapss", hash: ALG.SHA256 } as const satisfies Scheme;
const ecdsa = { name: "ecdsa", hash: ALG.SHA256 } as const satisfies Scheme;
const verified = (key: TestKey, signature: Uint8Array): boolean => verifySignature(key.key, parseSignature(signature), message);

t.test("verifies what others recorded, and not when one byte differs", async (t) => {
  const recorded = [
    { key: keylime.akPublic, body: keylime.quote, signature: keylime.signature },
    { key: windows.akPublic, body: windows.quote, signature: windows.signature },
    { key: windows.akPublic, body: windows.creation, signature: windows.creationSignature },
  ];
  for (const { key, body, signature } of recorded) {
    const ak = parsePublic(key);
    t.ok(verifySignature(ak, parseSignature(signature), body));
    for (let i = 0; i < body.length; i++) {
      const changed = overwrite(body, i, (body[i] ?? 0) ^ 1);
      if (verifySignature(ak, parseSignature(signature), changed)) t.fail(`byte ${i} of the message is not covered`);
    }
    t.notOk(verifySignature(ak, parseSignature(overwrite(signature, 9, (signature[9] ?? 0) ^ 1)), body));
  }
  t.notOk(verifySignature(parsePublic(keylime.akPublic), parseSignature(windows.signature), windows.quote), "another's key");
});

t.test("all schemes, hashes and curves", async (t) => {
  for (const hash of [ALG.SHA1, ALG.SHA256, ALG.SHA384, ALG.SHA512]) {
    for (const name of ["rsassa", "rsapss"] as const) {
      const key = makeRsaAk({ name, hash });
      t.ok(verified(key, signAs(key, message, { name, hash })), `${name} ${hash}`);
    }
    for (const curve of ["P-256", "P-384", "P-521"] as const) {
      const key = makeEccAk({ name: "ecdsa", hash }, curve);
      t.ok(verified(key, signAs(key, message, { name: "ecdsa", hash })), `${curve} ${hash}`);
    }
  }
});

t.test("a good signature of another scheme or hash is refused", async (t) => {
  const key = makeRsaAk(rsassa);
  t.ok(verified(key, signAs(key, message, rsassa)));
  t.notOk(verified(key, signAs(key, message, rsapss)), "RSAPSS by an RSASSA key");
  t.notOk(verified(key, signAs(key, message, { name: "rsassa", hash: ALG.SHA384 })), "SHA-384 by a SHA-256 key");
  t.notOk(verified(key, signAs(key, message, { name: "rsassa", hash: ALG.SHA1 })), "SHA-1 by a SHA-256 key");
  const pss = { ...key, key: { ...key.key, scheme: rsapss } } as TestKey;
  t.notOk(verified(pss, signAs(key, message, rsassa)), "RSASSA by an RSAPSS key");
  const open = { ...key, key: { ...key.key, scheme: null } } as TestKey;
  t.notOk(verified(open, signAs(key, message, rsassa)), "a key whose scheme anyone may choose");
  const ecc = makeEccAk(ecdsa);
  t.notOk(verified(key, signAs(ecc, message, ecdsa)), "ECDSA by an RSA key");
  t.notOk(verified(ecc, signAs(key, message, rsassa)), "RSASSA by an ECC key");
});

t.test("a key whose fields contradict each other verifies nothing", async (t) => {
  const rsa = makeRsaAk(rsassa);
  const ecc = makeEccAk(ecdsa);
  t.notOk(verified({ ...rsa, key: { ...rsa.key, scheme: ecdsa } } as TestKey, signAs(ecc, message, ecdsa)));
  t.notOk(verified({ ...ecc, key: { ...ecc.key, scheme: rsassa } } as TestKey, signAs(rsa, message, rsassa)));
});

t.test("r and s are from 1 to the order less 1, in no more bytes than the order has", async (t) => {
  const key = makeEccAk(ecdsa);
  const good = parseSignature(signAs(key, message, ecdsa));
  if (good.scheme !== "ecdsa") throw new Error("not ECDSA");
  const n = fromHex(curveOf("P-256").order.toString(16));
  const zero = Uint8Array.of(0);
  const bad: readonly (readonly [string, Uint8Array])[] = [
    ["empty", new Uint8Array(0)],
    ["0", zero],
    ["0 in 32 bytes", new Uint8Array(32)],
    ["the order", n],
    ["all ones", new Uint8Array(32).fill(0xff)],
    ["1", Uint8Array.of(1)],
  ];
  for (const [name, value] of bad) {
    t.notOk(verifySignature(key.key, { ...good, r: value }, message), `r = ${name}`);
    t.notOk(verifySignature(key.key, { ...good, s: value }, message), `s = ${name}`);
  }
  t.notOk(verifySignature(key.key, { ...good, r: concatBytes(zero, good.r) }, message), "r with a zero in front");
  t.notOk(verifySignature(key.key, { ...good, s: concatBytes(zero, good.s) }, message), "s with a zero in front");
  t.notOk(verifySignature(key.key, { ...good, r: good.s, s: good.r }, message), "exchanged");
  t.notOk(verifySignature(key.key, { ...good, r: zero, s: zero }, message), "both 0");
  t.ok(verifySignature(key.key, good, message));
});

t.test("r without its leading zeros is the same number", async (t) => {
  const key = makeEccAk(ecdsa);
  for (;;) {
    const sig = parseSignature(signAs(key, message, ecdsa));
    if (sig.scheme !== "ecdsa" || sig.r[0] !== 0) continue;
    t.ok(verifySignature(key.key, { ...sig, r: sig.r.subarray(1) }, message));
    return;
  }
});

t.test("an RSA signature has the modulus' length", async (t) => {
  const key = makeRsaAk(rsassa);
  const good = parseSignature(signAs(key, message, rsassa));
  if (good.scheme === "ecdsa") throw new Error("not RSA");
  for (const signature of [good.signature.subarray(1), concatBytes(Uint8Array.of(0), good.signature), new Uint8Array(0)]) {
    t.notOk(verifySignature(key.key, { ...good, signature }, message));
  }
  t.notOk(verifySignature(key.key, { ...good, signature: new Uint8Array(256) }, message), "0");
  t.notOk(verifySignature(key.key, { ...good, signature: new Uint8Array(256).fill(0xff) }, message), "above the modulus");
});

t.test("TPMT_SIGNATURE is strict", async (t) => {
  for (const data of [keylime.signature, signAs(makeEccAk(ecdsa), message, ecdsa)]) {
    t.same(acceptedTruncations(data, parseSignature), []);
    t.throws(() => parseSignature(concatBytes(data, Uint8Array.of(0))), { name: "WireError", code: "TRAILING_BYTES" });
    for (const alg of [0x0000, 0x0005 /* HMAC */, 0x0010 /* NULL */, 0x0015 /* RSAES */, 0x001a /* ECDAA */, 0x001b /* SM2 */]) {
      t.throws(() => parseSignature(overwrite(data, 0, alg >> 8, alg & 0xff)), { name: "WireError", code: "BAD_VALUE" });
    }
    for (const hash of [0x0000, 0x0010 /* NULL */, 0x0012 /* SM3 */, 0x0027 /* SHA3 */]) {
      t.throws(() => parseSignature(overwrite(data, 2, hash >> 8, hash & 0xff)), { name: "WireError", code: "BAD_VALUE" });
    }
  }
  const long = new ByteWriter().u16be(ALG.RSASSA).u16be(ALG.SHA256).sized16be(new Uint8Array(513)).done();
  t.throws(() => parseSignature(long), { code: "TOO_LARGE" });
  const wide = new ByteWriter().u16be(ALG.ECDSA).u16be(ALG.SHA256).sized16be(new Uint8Array(67)).u16be(0).done();
  t.throws(() => parseSignature(wide), { code: "TOO_LARGE" });
});
