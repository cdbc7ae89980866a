import { createHash, type KeyObject, sign, verify } from "node:crypto";
import { z } from "zod";
import { concatBytes, utf8 } from "../wire/bytes.ts";
import { fromBase64, toBase64 } from "../wire/base64.ts";
import { WireError } from "../wire/error.ts";
import { canonicalJson, parseJson } from "../wire/json.ts";
import { base64Text, hexText } from "../wire/text.ts";

/** Envelopes over this size are refused unread. A release of eight roles has about 200 KB. */
export const MAX_ENVELOPE_BYTES = 4 * 1024 * 1024;

const envelopeSchema = z.strictObject({
  payloadType: z.string().max(128),
  payload: base64Text(MAX_ENVELOPE_BYTES),
  signatures: z.array(z.strictObject({ keyid: hexText(32), sig: base64Text(1024) })).min(1).max(4),
});

/** A DSSE envelope (secure-systems-lab/dsse protocol.md); `keyid` is SHA-256 over the signer's SPKI. */
export type Envelope = z.output<typeof envelopeSchema>;

/** Envelope bytes → envelope; nothing is verified yet. Throws WireError. */
export function parseEnvelope(data: Uint8Array): Envelope {
  return parseJson(envelopeSchema, data, MAX_ENVELOPE_BYTES);
}

/** Envelope → canonical JSON bytes. */
export function encodeEnvelope(envelope: Envelope): Uint8Array {
  return canonicalJson(envelope);
}

/** SHA-256 over the key's SubjectPublicKeyInfo, hex. */
export function keyId(key: KeyObject): string {
  return createHash("sha256").update(key.export({ type: "spki", format: "der" })).digest("hex");
}

/**
 * Signs `payload` with an Ed25519 or P-256 private key. Ed25519 is deterministic, so what is under `out/` is too;
 * P-256 serves operators, whose tokens rarely have Ed25519.
 */
export function signEnvelope(payloadType: string, payload: Uint8Array, key: KeyObject, publicKey: KeyObject): Envelope {
  const sig = sign(hashFor(key), preAuthEncoding(payloadType, payload), key);
  return { payloadType, payload: toBase64(payload), signatures: [{ keyid: keyId(publicKey), sig: toBase64(sig) }] };
}

/**
 * The payload, if one of `keys` signed it under exactly this type. The key comes from what the caller trusts, never
 * from the envelope: its keyid only selects. Throws WireError `BAD_VALUE`.
 */
export function openEnvelope(payloadType: string, envelope: Envelope, keys: readonly KeyObject[]): Uint8Array {
  if (envelope.payloadType !== payloadType) {
    throw new WireError("BAD_VALUE", `envelope holds ${JSON.stringify(envelope.payloadType)}, not ${payloadType}`);
  }
  const payload = fromBase64(envelope.payload);
  const message = preAuthEncoding(payloadType, payload);
  for (const { keyid, sig } of envelope.signatures) {
    const key = keys.find((k) => keyId(k) === keyid);
    if (key !== undefined && verify(hashFor(key), message, key, fromBase64(sig))) return payload;
  }
  throw new WireError("BAD_VALUE", "no signature of a trusted key on this envelope");
}

/** What an envelope's signature is over, the PAE of DSSE: lengths in front of type and body, so that neither can borrow bytes from the other. */
export function preAuthEncoding(type: string, body: Uint8Array): Uint8Array {
  const typeBytes = utf8(type);
  return concatBytes(utf8(`DSSEv1 ${typeBytes.length} `), typeBytes, utf8(` ${body.length} `), body);
}

function hashFor(key: KeyObject): string | null {
  switch (key.asymmetricKeyType) {
    case "ed25519":
      return null;
    case "ec":
      return "sha256";
    default:
      throw new WireError("BAD_VALUE", `keys of type ${key.asymmetricKeyType} don't sign envelopes`);
  }
}
