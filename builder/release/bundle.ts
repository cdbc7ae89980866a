import { type KeyObject, verify } from "node:crypto";
import { z } from "zod";
import { keyId } from "../../proto/dsse/dsse.ts";
import { fromBase64, toBase64 } from "../../proto/wire/base64.ts";
import { sha256, utf8 } from "../../proto/wire/bytes.ts";
import { fromHex } from "../../proto/wire/hex.ts";
import { canonicalJson, parseJson } from "../../proto/wire/json.ts";
import { base64Text } from "../../proto/wire/text.ts";

const MAX_BYTES = 64 * 1024;
/** What `cosign sign-blob --bundle` writes without a certificate and without a transparency log. */
const cosignSchema = z.strictObject({ base64Signature: base64Text(64) });
/** Sigstore's bundle, version 0.3 (protobuf-specs sigstore_bundle.proto): a raw signature by a key that the verifier has. */
const sigstoreSchema = z.strictObject({
  mediaType: z.literal("application/vnd.dev.sigstore.bundle.v0.3+json"),
  verificationMaterial: z.strictObject({ publicKey: z.strictObject({ hint: base64Text(32) }) }),
  messageSignature: z.strictObject({ messageDigest: z.strictObject({ algorithm: z.literal("SHA2_256"), digest: base64Text(32) }), signature: base64Text(64) }),
});

/** A raw Ed25519 signature as a file for `cosign verify-blob --key K --bundle FILE`. */
export function cosignBundle(signature: Uint8Array): Uint8Array {
  return utf8(`${JSON.stringify({ base64Signature: toBase64(signature) } satisfies z.output<typeof cosignSchema>)}\n`);
}

/** The same signature as a sigstore bundle, which cosign takes too where it is told what it trusts. */
export function sigstoreBundle(data: Uint8Array, signature: Uint8Array, key: KeyObject): Uint8Array {
  return canonicalJson({
    mediaType: "application/vnd.dev.sigstore.bundle.v0.3+json",
    verificationMaterial: { publicKey: { hint: toBase64(fromHex(keyId(key))) } },
    messageSignature: { messageDigest: { algorithm: "SHA2_256", digest: toBase64(sha256(data)) }, signature: toBase64(signature) },
  } satisfies z.output<typeof sigstoreSchema>);
}

/** Whether a bundle of either form holds a signature by one of `keys` over `data`. Throws WireError where it is no bundle. */
export function checkBundle(form: "cosign" | "sigstore", bundle: Uint8Array, data: Uint8Array, keys: readonly KeyObject[]): boolean {
  const signed = (signature: string): boolean => keys.some((key) => verify(null, data, key, fromBase64(signature)));
  if (form === "cosign") return signed(parseJson(cosignSchema, bundle, MAX_BYTES).base64Signature);
  const { messageDigest, signature } = parseJson(sigstoreSchema, bundle, MAX_BYTES).messageSignature;
  return messageDigest.digest === toBase64(sha256(data)) && signed(signature);
}
