import { type Envelope, keyId, preAuthEncoding } from "../../proto/dsse/dsse.ts";
import { toBase64 } from "../../proto/wire/base64.ts";
import type { PrivateKey } from "../keys/private-key.ts";

/** A DSSE envelope with a signature of each key, wherever the keys are; in their order. */
export async function signEnvelopeBy(payloadType: string, payload: Uint8Array, keys: readonly PrivateKey[]): Promise<Envelope> {
  const message = preAuthEncoding(payloadType, payload);
  const signatures = [];
  for (const key of keys) signatures.push({ keyid: keyId(key.publicKey), sig: toBase64(await key.sign(message)) });
  return { payloadType, payload: toBase64(payload), signatures };
}
