import { type KeyObject, sign, X509Certificate } from "node:crypto";
import { concatBytes, sha256 } from "../../proto/wire/bytes.ts";
import { ByteReader } from "../../proto/wire/reader.ts";
import { PeError } from "../pe/error.ts";
import { parsePe } from "../pe/parse.ts";
import { authenticodeDigest } from "./authenticode-digest.ts";
import { embedSignature } from "./embed-signature.ts";
import { context, der, nothing, objectId, octetString, sequence, setOf, smallInteger } from "../../proto/wire/der.ts";

const SIGNED_DATA = "1.2.840.113549.1.7.2";
const CONTENT_TYPE = "1.2.840.113549.1.9.3";
const MESSAGE_DIGEST = "1.2.840.113549.1.9.4";
const RSA_ENCRYPTION = "1.2.840.113549.1.1.1";
const SHA256 = "2.16.840.1.101.3.4.2.1";
const SPC_INDIRECT_DATA = "1.3.6.1.4.1.311.2.1.4";
const SPC_PE_IMAGE_DATA = "1.3.6.1.4.1.311.2.1.15";
/** Header of a WIN_CERTIFICATE. */
const WIN_CERTIFICATE_BYTES = 8;

/**
 * Signs a PE image for Secure Boot: PKCS#7 SignedData over SpcIndirectDataContent, RSASSA-PKCS1-v1_5 with SHA-256, and
 * no signing time, so that the same image, key and certificate give the same bytes. `key` is RSA and belongs to
 * `certificate` (DER). The image is unsigned and a multiple of 8 bytes long. Throws {@link PeError}.
 */
export function signPe(file: Uint8Array, key: KeyObject, certificate: Uint8Array): Uint8Array {
  const image = parsePe(file);
  if (image.certificates.size !== 0) throw new PeError("SIGNED", "the image is signed already");
  if (file.length % 8 !== 0) throw new PeError("BAD_LAYOUT", "the image's length is no multiple of 8");
  if (key.asymmetricKeyType !== "rsa" || !new X509Certificate(certificate).checkPrivateKey(key)) {
    throw new RangeError("the key is not the RSA key of the certificate");
  }
  const pkcs7 = signedData(authenticodeDigest(image), key, certificate);
  return embedSignature(file, pkcs7);
}

function signedData(imageDigest: Uint8Array, key: KeyObject, certificate: Uint8Array): Uint8Array {
  const algorithm = sequence(objectId(SHA256), nothing());
  const content = indirectData(imageDigest, algorithm);
  // PKCS#7 hashes the content's value, without tag and length (RFC 2315 §9.3).
  const attributes = setOf(
    sequence(objectId(CONTENT_TYPE), setOf(objectId(SPC_INDIRECT_DATA))),
    sequence(objectId(MESSAGE_DIGEST), setOf(octetString(sha256(valueOf(content))))),
  );
  const signature = sign("sha256", attributes, key);
  const signerInfo = sequence(
    smallInteger(1),
    issuerAndSerial(certificate),
    algorithm,
    context(0, valueOf(attributes)),
    sequence(objectId(RSA_ENCRYPTION), nothing()),
    octetString(signature),
  );
  const signed = sequence(
    smallInteger(1),
    setOf(algorithm),
    sequence(objectId(SPC_INDIRECT_DATA), context(0, content)),
    context(0, certificate),
    setOf(signerInfo),
  );
  return sequence(objectId(SIGNED_DATA), context(0, signed));
}

/** SpcIndirectDataContent with SpcPeImageData: no flags, an empty file name (Authenticode_PE.docx). */
function indirectData(imageDigest: Uint8Array, algorithm: Uint8Array): Uint8Array {
  const noFlags = der(0x03, Uint8Array.of(0));
  const noFile = context(0, context(2, der(0x80)));
  return sequence(sequence(objectId(SPC_PE_IMAGE_DATA), sequence(noFlags, noFile)), sequence(algorithm, octetString(imageDigest)));
}

/** Issuer name and serial as they stand in the certificate (RFC 5280 §4.1): tbs is [0] version, serial, algorithm, issuer. */
function issuerAndSerial(certificate: Uint8Array): Uint8Array {
  const tbs = new ByteReader(valueOf(valueOf(certificate)));
  takeElement(tbs);
  const serial = takeElement(tbs);
  takeElement(tbs);
  return sequence(takeElement(tbs), serial);
}

/** Contents of the DER element at the start of `data`. */
function valueOf(data: Uint8Array): Uint8Array {
  const r = new ByteReader(data);
  r.u8();
  return r.bytes(readLength(r));
}

function takeElement(r: ByteReader): Uint8Array {
  const start = r.offset;
  r.u8();
  r.bytes(readLength(r));
  return r.since(start);
}

function readLength(r: ByteReader): number {
  const first = r.u8();
  if (first < 0x80) return first;
  let n = 0;
  for (let i = first & 0x7f; i > 0; i--) n = n * 256 + r.u8();
  return n;
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
