import { createPublicKey, generateKeyPairSync, verify } from "node:crypto";
import t from "tap";
import { fromBase64 } from "../wire/base64.ts";
import { utf8 } from "../wire/bytes.ts";
import { encodeEnvelope, openEnvelope, parseEnvelope, signEnvelope } from "./dsse.ts";

const TYPE = "application/vnd.kubedos.test+json";
const pair = generateKeyPairSync("ed25519");
const operator = generateKeyPairSync("ec", { namedCurve: "P-256" });

t.test("what was signed opens, with Ed25519 and P-256", async (t) => {
  for (const { privateKey, publicKey } of [pair, operator]) {
    const envelope = parseEnvelope(encodeEnvelope(signEnvelope(TYPE, utf8("{}"), privateKey, publicKey)));
    t.same(openEnvelope(TYPE, envelope, [publicKey]), utf8("{}"));
  }
});

t.test("Ed25519 envelopes are deterministic, and anyone's DSSE verifier agrees", async (t) => {
  const make = () => signEnvelope(TYPE, utf8("{}"), pair.privateKey, pair.publicKey);
  t.same(make(), make());
  const pae = utf8(`DSSEv1 ${TYPE.length} ${TYPE} 2 {}`);
  t.ok(verify(null, pae, pair.publicKey, fromBase64(make().signatures[0]?.sig ?? "")));
});

t.test("near misses", async (t) => {
  const envelope = signEnvelope(TYPE, utf8('{"a":1}'), pair.privateKey, pair.publicKey);
  const keys = [pair.publicKey];
  const stranger = generateKeyPairSync("ed25519");
  const sig = envelope.signatures[0]!;
  const flipped = fromBase64(sig.sig);
  flipped[3]! ^= 1;
  t.throws(() => openEnvelope("application/other", envelope, keys), { code: "BAD_VALUE" }, "asked for another type");
  t.throws(() => openEnvelope("application/other", { ...envelope, payloadType: "application/other" }, keys), { code: "BAD_VALUE" }, "type relabelled");
  t.throws(() => openEnvelope(TYPE, { ...envelope, payload: "e30=" }, keys), { code: "BAD_VALUE" }, "payload exchanged");
  t.throws(() => openEnvelope(TYPE, envelope, [stranger.publicKey]), { code: "BAD_VALUE" }, "key not trusted");
  t.throws(() => openEnvelope(TYPE, envelope, []), { code: "BAD_VALUE" }, "no key trusted");
  t.throws(() => openEnvelope(TYPE, { ...envelope, signatures: [{ ...sig, sig: Buffer.from(flipped).toString("base64") }] }, keys), { code: "BAD_VALUE" }, "signature spoiled");
  const byStranger = signEnvelope(TYPE, utf8('{"a":1}'), stranger.privateKey, stranger.publicKey);
  t.throws(() => openEnvelope(TYPE, { ...byStranger, signatures: [{ ...byStranger.signatures[0]!, keyid: sig.keyid }] }, keys), { code: "BAD_VALUE" }, "a trusted keyid over a stranger's signature");
  t.throws(() => parseEnvelope(utf8(JSON.stringify({ ...envelope, signatures: [] }))), { code: "BAD_VALUE" }, "no signature at all");
  t.throws(() => parseEnvelope(utf8(JSON.stringify({ ...envelope, extra: 1 }))), { code: "BAD_VALUE" }, "unknown key");
});

t.test("only kinds of key that are meant to sign do", async (t) => {
  const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
  t.throws(() => signEnvelope(TYPE, utf8("{}"), rsa.privateKey, createPublicKey(rsa.privateKey)), { code: "BAD_VALUE" });
});
