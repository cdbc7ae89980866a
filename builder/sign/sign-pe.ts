import { concatBytes, sha256 } from "../../proto/wire/bytes.ts";
import { ByteReader } from "../../proto/wire/reader.ts";
import { PeError } from "../pe/error.ts";
import { parsePe } from "../pe/parse.ts";
import { context, der, objectId, octetString, sequence, setOf } from "../../proto/wire/der.ts";
import type { PrivateKey } from "../keys/private-key.ts";
import { authenticodeDigest } from "./authenticode-digest.ts";
import { embedSignature } from "./embed-signature.ts";
import { sha256Algorithm, signedData, valueOf } from "./pkcs7.ts";

const SIGNED_DATA = "1.2.840.113549.1.7.2";
const CONTENT_TYPE = "1.2.840.113549.1.9.3";
const MESSAGE_DIGEST = "1.2.840.113549.1.9.4";
const SPC_INDIRECT_DATA = "1.3.6.1.4.1.311.2.1.4";
const SPC_PE_IMAGE_DATA = "1.3.6.1.4.1.311.2.1.15";
/** Header of a WIN_CERTIFICATE. */
const WIN_CERTIFICATE_BYTES = 8;

/**
 * Signs a PE image for Secure Boot: PKCS#7 SignedData over SpcIndirectDataContent, RSASSA-PKCS1-v1_5 with SHA-256, and
 * no signing time, so that the same image, key and certificate give the same bytes. `key` is RSA and belongs to
 * `certificate` (DER). The image is unsigned and a multiple of 8 bytes long. Throws {@link PeError} or RangeError.
 */
export async function signPe(file: Uint8Array, key: PrivateKey, certificate: Uint8Array): Promise<Uint8Array> {
  const image = parsePe(file);
  if (image.certificates.size !== 0) throw new PeError("SIGNED", "the image is signed already");
  if (file.length % 8 !== 0) throw new PeError("BAD_LAYOUT", "the image's length is no multiple of 8");
  return embedSignature(file, await authenticode(authenticodeDigest(image), key, certificate));
}

async function authenticode(imageDigest: Uint8Array, key: PrivateKey, certificate: Uint8Array): Promise<Uint8Array> {
  const content = indirectData(imageDigest);
  // PKCS#7 hashes the content's value, without tag and length (RFC 2315 §9.3).
  const attributes = setOf(
    sequence(objectId(CONTENT_TYPE), setOf(objectId(SPC_INDIRECT_DATA))),
    sequence(objectId(MESSAGE_DIGEST), setOf(octetString(sha256(valueOf(content))))),
  );
  const signed = await signedData({ content: sequence(objectId(SPC_INDIRECT_DATA), context(0, content)), attributes, message: attributes, key, certificate });
  return sequence(objectId(SIGNED_DATA), context(0, signed));
}

/** SpcIndirectDataContent with SpcPeImageData: no flags, an empty file name (Authenticode_PE.docx). */
function indirectData(imageDigest: Uint8Array): Uint8Array {
  const noFlags = der(0x03, Uint8Array.of(0));
  const noFile = context(0, context(2, der(0x80)));
  return sequence(sequence(objectId(SPC_PE_IMAGE_DATA), sequence(noFlags, noFile)), sequence(sha256Algorithm, octetString(imageDigest)));
}

/** The certificate table's first PKCS#7 blob; undefined when the image isn't signed. For tests and inspection. */
export function signatureOf(file: Uint8Array): Uint8Array | undefined {
  const { offset, size } = parsePe(file).certificates;
  if (size === 0) return undefined;
  const r = new ByteReader(file.subarray(offset, offset + size));
  const length = r.u32le();
  r.bytes(4);
  return concatBytes(r.bytes(length - WIN_CERTIFICATE_BYTES));
}
