import { createPublicKey } from "node:crypto";
import t from "tap";
import { acceptedTruncations, overwrite } from "../../test/swtpm/mutations.ts";
import { keylime, windows } from "../../test/swtpm/quote-vectors.ts";
import { makeEccAk, makeEk, makeRsaAk } from "../../test/swtpm/test-keys.ts";
import { concatBytes } from "../wire/bytes.ts";
import { toHex } from "../wire/hex.ts";
import { ALG } from "./alg.ts";
import { attributesOf } from "./attributes.ts";
import { marshalPublic, nameOf, parsePublic, publicKeyObject } from "./public.ts";
import { EK_POLICY } from "./templates.ts";

const spki = (pem: string): string => createPublicKey(pem).export({ type: "spki", format: "pem" }).toString();
const ecc = makeEccAk({ name: "ecdsa", hash: ALG.SHA256 });
const samples: Readonly<Record<string, Uint8Array>> = {
  "keylime EK": keylime.ekPublic,
  "keylime AK": keylime.akPublic,
  "windows AK": windows.akPublic,
  "ECC AK": ecc.publicArea,
  "ECC P-384 EK": makeEk("P-384").publicArea,
  "RSA-PSS AK": makeRsaAk({ name: "rsapss", hash: ALG.SHA384 }, 1024).publicArea,
};

t.test("reads what tpm2-tools made", async (t) => {
  const ak = parsePublic(keylime.akPublic);
  t.match(ak, { type: "rsa", nameAlg: ALG.SHA256, keyBits: 2048, exponent: 0, symmetric: null });
  t.same(ak.scheme, { name: "rsassa", hash: ALG.SHA256 });
  t.equal(publicKeyObject(ak).export({ type: "spki", format: "pem" }), spki(keylime.akPem));
  t.equal(toHex(nameOf(keylime.akPublic)), toHex(keylime.akName));

  const ek = parsePublic(keylime.ekPublic);
  t.same(ek.symmetric, { alg: "aes-cfb", bits: 128 });
  t.equal(ek.scheme, null);
  t.same(ek.authPolicy, EK_POLICY);
  t.ok(ek.attributes.restricted && ek.attributes.decrypt && !ek.attributes.sign);
  t.equal(publicKeyObject(ek).export({ type: "spki", format: "pem" }), spki(keylime.ekPem));
});

t.test("reads a Windows AK: SHA-1 is seen, and is the verdict's to refuse", async (t) => {
  t.same(parsePublic(windows.akPublic).scheme, { name: "rsassa", hash: ALG.SHA1 });
});

t.test("marshalling gives the same bytes back; nothing shorter or longer is read", async (t) => {
  for (const [name, data] of Object.entries(samples)) {
    t.equal(toHex(marshalPublic(parsePublic(data))), toHex(data), name);
    t.same(acceptedTruncations(data, parsePublic), [], name);
    t.throws(() => parsePublic(concatBytes(data, Uint8Array.of(0))), { name: "WireError", code: "TRAILING_BYTES" }, name);
  }
});

t.test("a Name changes with every bit of the public area", async (t) => {
  const name = toHex(nameOf(ecc.publicArea));
  t.match(name, /^000b[0-9a-f]{64}$/);
  const last = ecc.publicArea.length - 1;
  t.not(toHex(nameOf(overwrite(ecc.publicArea, last, (ecc.publicArea[last] ?? 0) ^ 1))), name);
  const sha384 = nameOf(marshalPublic({ ...ecc.key, nameAlg: ALG.SHA384 }));
  t.match(toHex(sha384), /^000c[0-9a-f]{96}$/);
});

t.test("near misses of an RSA area", async (t) => {
  const rsa = keylime.akPublic; // type 0, nameAlg 2, attributes 4, policy 8, symmetric 10, scheme 12, hash 14, bits 16, exponent 18, modulus 22
  const cases: readonly (readonly [string, Uint8Array])[] = [
    ["KEYEDHASH", overwrite(rsa, 0, 0x00, 0x08)],
    ["name algorithm NULL", overwrite(rsa, 2, 0x00, 0x10)],
    ["name algorithm SM3", overwrite(rsa, 2, 0x00, 0x12)],
    ["reserved attribute", overwrite(rsa, 4, 0x80)],
    ["symmetric XOR", overwrite(rsa, 10, 0x00, 0x0a)],
    ["ECDSA with RSA", overwrite(rsa, 12, 0x00, 0x18)],
    ["RSAES", overwrite(rsa, 12, 0x00, 0x15)],
    ["scheme without a hash", overwrite(rsa, 14, 0x00, 0x10)],
    ["2049 bits", overwrite(rsa, 16, 0x08, 0x01)],
    ["0 bits", overwrite(rsa, 16, 0x00, 0x00)],
    ["exponent 1", overwrite(rsa, 18, 0, 0, 0, 1)],
    ["exponent 3", overwrite(rsa, 18, 0, 0, 0, 3)],
    ["even modulus", overwrite(rsa, rsa.length - 1, 0x5a)],
    ["leading zero", overwrite(rsa, 24, 0x00)],
    ["another size than the modulus has", overwrite(rsa, 16, 0x0c, 0x00)],
  ];
  for (const [name, data] of cases) t.throws(() => parsePublic(data), { name: "WireError", code: "BAD_VALUE" }, name);
  t.throws(() => parsePublic(overwrite(rsa, 16, 0x04, 0x00)), { code: "TOO_LARGE" }, "modulus longer than the key");
  t.throws(() => parsePublic(overwrite(rsa, 22, 0xff, 0xff)), { code: "TOO_LARGE" }, "modulus of 65535 bytes");
  t.throws(() => parsePublic(overwrite(rsa, 8, 0xff, 0xff)), { code: "TOO_LARGE" }, "policy of 65535 bytes");
  t.same(parsePublic(overwrite(rsa, 18, 0, 1, 0, 1)).type, "rsa", "65537 may be written out");
});

t.test("near misses of a storage key", async (t) => {
  const ek = keylime.ekPublic; // policy 8 with 32 bytes, symmetric 42, bits 44, mode 46
  const bad = { name: "WireError", code: "BAD_VALUE" };
  t.throws(() => parsePublic(overwrite(ek, 44, 0x00, 0x60)), bad, "AES-96");
  t.throws(() => parsePublic(overwrite(ek, 46, 0x00, 0x42)), bad, "AES-CBC");
  const half = { ...parsePublic(ek), authPolicy: new Uint8Array(16) };
  t.throws(() => parsePublic(marshalPublic(half)), bad, "half a policy digest");
});

t.test("near misses of an ECC area", async (t) => {
  const data = ecc.publicArea; // scheme 12, hash 14, curve 16, kdf 18, x 20
  const bad = { name: "WireError", code: "BAD_VALUE" };
  t.throws(() => parsePublic(overwrite(data, 16, 0x00, 0x10)), bad, "BN P-256");
  t.throws(() => parsePublic(overwrite(data, 16, 0x00, 0x20)), bad, "SM2");
  t.throws(() => parsePublic(overwrite(data, 18, 0x00, 0x20)), bad, "a KDF");
  t.throws(() => parsePublic(overwrite(data, 12, 0x00, 0x14)), bad, "RSASSA with ECC");
  t.throws(() => parsePublic(overwrite(data, 12, 0x00, 0x1a)), bad, "ECDAA");
  t.throws(() => parsePublic(overwrite(data, 16, 0x00, 0x02)), { code: "TOO_LARGE" }, "P-224 with 32-byte coordinates");
  for (const change of [{ x: new Uint8Array(0) }, { y: new Uint8Array(0) }]) {
    t.throws(() => parsePublic(marshalPublic({ ...ecc.key, ...change } as typeof ecc.key)), bad, "an empty coordinate");
  }
});

t.test("a point off its curve is no key", async (t) => {
  if (ecc.key.type !== "ecc") throw new Error("not ECC");
  const y = overwrite(ecc.key.y, 31, (ecc.key.y[31] ?? 0) ^ 1);
  const ones = new Uint8Array(32).fill(0xff);
  for (const change of [{ y }, { x: ecc.key.y, y: ecc.key.x }, { x: ones }, { x: new Uint8Array(32), y: new Uint8Array(32) }]) {
    t.throws(() => publicKeyObject({ ...ecc.key, ...change } as typeof ecc.key), { name: "WireError", code: "BAD_VALUE" });
  }
});

t.test("a coordinate without its leading zeros is the same point", async (t) => {
  for (;;) {
    const { key } = makeEccAk({ name: "ecdsa", hash: ALG.SHA256 });
    if (key.type !== "ecc" || key.x[0] !== 0) continue;
    const short = parsePublic(marshalPublic({ ...key, x: key.x.subarray(1) }));
    t.ok(publicKeyObject(short).equals(publicKeyObject(key)));
    return;
  }
});

t.test("attributes are named", async (t) => {
  const ak = parsePublic(ecc.publicArea).attributes;
  t.same(ak, attributesOf("fixedTPM", "fixedParent", "sensitiveDataOrigin", "userWithAuth", "noDA", "restricted", "sign"));
});
