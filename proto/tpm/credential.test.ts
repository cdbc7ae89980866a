import { constants, createDecipheriv, diffieHellman, privateDecrypt } from "node:crypto";
import t from "tap";
import { makeEccAk, makeEk, makeRsaAk, type TestKey } from "../../test/swtpm/test-keys.ts";
import { utf8 } from "../wire/bytes.ts";
import { toHex } from "../wire/hex.ts";
import { ByteReader } from "../wire/reader.ts";
import { ALG, digest } from "./alg.ts";
import { attributesOf } from "./attributes.ts";
import { makeCredential } from "./credential.ts";
import { hmac, kdfa, kdfe } from "./kdf.ts";
import { marshalPublic, nameOf, publicKeyObject } from "./public.ts";
import { EK_TEMPLATES } from "./templates.ts";

const akName = nameOf(makeEccAk({ name: "ecdsa", hash: ALG.SHA256 }).publicArea);
const secret = utf8("0123456789abcdef0123456789abcdef");
/** Not random at all, so that results can be compared. */
const entropy = (seed: number) => (bytes: number): Uint8Array => Uint8Array.from({ length: bytes }, (_, i) => seed + i);
const make = (ek: TestKey, seed = 1): ReturnType<typeof makeCredential> =>
  makeCredential({ ekPublic: ek.publicArea, akName, secret, entropy: entropy(seed) });

/** Opens a credential for an RSA EK with node's own OAEP, step by step as Part 1, 24.4 has it. */
function openRsa(ek: TestKey, { credentialBlob, encryptedSecret }: ReturnType<typeof makeCredential>, name: Uint8Array): Uint8Array {
  const seed = privateDecrypt(
    { key: ek.privateKey, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: "sha256", oaepLabel: Buffer.from("IDENTITY\0") },
    encryptedSecret,
  );
  return openWith(seed, credentialBlob, name);
}

function openWith(seed: Uint8Array, blob: Uint8Array, name: Uint8Array): Uint8Array {
  const r = new ByteReader(blob);
  const integrity = r.sized16be(64);
  const sealed = r.bytes(r.left);
  const macKey = kdfa({ hash: ALG.SHA256, key: seed, label: "INTEGRITY", bits: 256 });
  if (toHex(hmac(ALG.SHA256, macKey, Buffer.concat([sealed, name]))) !== toHex(integrity)) throw new Error("integrity");
  const key = kdfa({ hash: ALG.SHA256, key: seed, label: "STORAGE", contextU: name, bits: 128 });
  const plain = new ByteReader(createDecipheriv("aes-128-cfb", key, new Uint8Array(16)).update(sealed));
  const value = plain.sized16be(64);
  plain.end();
  return value;
}

t.test("an RSA credential opens with the EK's private key, for this AK's Name alone", async (t) => {
  const ek = makeEk("rsa");
  const credential = make(ek);
  t.same(openRsa(ek, credential, akName), secret);
  const other = nameOf(makeEccAk({ name: "ecdsa", hash: ALG.SHA256 }).publicArea);
  t.throws(() => openRsa(ek, credential, other), { message: "integrity" });
  t.throws(() => openRsa(makeEk("rsa"), credential, akName), "another EK");
});

t.test("an ECC credential opens with the EK's private key", async (t) => {
  const ek = makeEk("P-256");
  if (ek.key.type !== "ecc") throw new Error("not ECC");
  const { credentialBlob, encryptedSecret } = make(ek);
  const r = new ByteReader(encryptedSecret);
  const [x, y] = [r.sized16be(32), r.sized16be(32)];
  r.end();
  const z = diffieHellman({ privateKey: ek.privateKey, publicKey: publicKeyObject({ ...ek.key, x, y }) });
  const seed = kdfe({ hash: ALG.SHA256, z, use: "IDENTITY", partyU: x, partyV: ek.key.x, bits: 256 });
  t.same(openWith(seed, credentialBlob, akName), secret);
});

t.test("is a function of its arguments and the entropy", async (t) => {
  for (const kind of ["rsa", "P-256", "P-384"] as const) {
    const ek = makeEk(kind);
    t.same(make(ek), make(ek));
    t.not(toHex(make(ek, 2).encryptedSecret), toHex(make(ek).encryptedSecret));
    t.not(toHex(make(ek, 2).credentialBlob), toHex(make(ek).credentialBlob));
  }
});

t.test("entropy that gives less than was asked is refused", async (t) => {
  for (const kind of ["rsa", "P-256"] as const) {
    const ekPublic = makeEk(kind).publicArea;
    t.throws(() => makeCredential({ ekPublic, akName, secret, entropy: () => new Uint8Array(16) }), RangeError);
  }
});

t.test("refuses EKs that would not keep the secret in one TPM", async (t) => {
  const good = EK_TEMPLATES.rsa.attributes;
  const refused: readonly (readonly [string, TestKey])[] = [
    ["not restricted", makeEk("rsa", { attributes: { ...good, restricted: false } })],
    ["signs too", makeEk("rsa", { attributes: { ...good, sign: true } })],
    ["does not decrypt", makeEk("rsa", { attributes: { ...good, decrypt: false } })],
    ["may be duplicated", makeEk("rsa", { attributes: { ...good, fixedTPM: false } })],
    ["may be moved", makeEk("rsa", { attributes: { ...good, fixedParent: false } })],
    ["no attribute", makeEk("P-256", { attributes: attributesOf() })],
    ["no cipher", makeEk("P-256", { symmetric: null })],
    ["SHA-1 Name", makeEk("rsa", { nameAlg: ALG.SHA1, authPolicy: new Uint8Array(20) })],
    ["an AK", makeEccAk({ name: "ecdsa", hash: ALG.SHA256 })],
    ["P-521", makeEk("P-521")],
    ["RSA-1024", smallEk()],
  ];
  for (const [name, ek] of refused) t.throws(() => make(ek), { name: "WireError", code: "BAD_VALUE" }, name);
});

function smallEk(): TestKey {
  const small = makeRsaAk({ name: "rsassa", hash: ALG.SHA256 }, 1024);
  if (small.key.type !== "rsa") throw new Error("not RSA");
  const key = { ...EK_TEMPLATES.rsa, type: "rsa", keyBits: 1024, exponent: 0, modulus: small.key.modulus } as const;
  return { ...small, key, publicArea: marshalPublic(key) };
}

t.test("refuses a point off the curve: it would show the private key of the exchange", async (t) => {
  const ek = makeEk("P-256", { y: new Uint8Array(32).fill(7) });
  t.throws(() => make(ek), { name: "WireError", code: "BAD_VALUE" });
});

t.test("secret and Name have their lengths", async (t) => {
  const ekPublic = makeEk("P-256").publicArea;
  const base = { ekPublic, akName, secret, entropy: entropy(1) };
  for (const bytes of [0, 33]) t.throws(() => makeCredential({ ...base, secret: new Uint8Array(bytes) }), RangeError);
  for (const bytes of [0, 4, 67]) t.throws(() => makeCredential({ ...base, akName: new Uint8Array(bytes) }), RangeError);
  t.doesNotThrow(() => makeCredential({ ...base, secret: new Uint8Array(1) }));
});

t.test("KDFs count blocks from 1 and cut the last", async (t) => {
  const args = { hash: ALG.SHA256, key: secret, label: "STORAGE" } as const;
  const one = hmac(ALG.SHA256, secret, Buffer.concat([Buffer.from([0, 0, 0, 1]), utf8("STORAGE\0"), Buffer.from([0, 0, 1, 0])]));
  t.same(kdfa({ ...args, bits: 256 }), one);
  t.equal(kdfa({ ...args, bits: 264 }).length, 33);
  t.not(toHex(kdfa({ ...args, bits: 128 })), toHex(one.subarray(0, 16)), "the length is part of the input");
  const e = { hash: ALG.SHA256, z: secret, use: "IDENTITY", partyU: akName, partyV: secret } as const;
  const first = digest(ALG.SHA256, Uint8Array.of(0, 0, 0, 1), secret, utf8("IDENTITY\0"), akName, secret);
  t.same(kdfe({ ...e, bits: 128 }), first.subarray(0, 16));
  for (const bits of [0, -8, 12]) t.throws(() => kdfa({ ...args, bits }), RangeError);
});
