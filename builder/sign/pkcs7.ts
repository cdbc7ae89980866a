import { X509Certificate } from "node:crypto";
import { ByteReader } from "../../proto/wire/reader.ts";
import { context, nothing, objectId, octetString, sequence, setOf, smallInteger } from "../../proto/wire/der.ts";
import type { PrivateKey } from "../keys/private-key.ts";

const RSA_ENCRYPTION = "1.2.840.113549.1.1.1";
const SHA256 = "2.16.840.1.101.3.4.2.1";

/** SHA-256 as an AlgorithmIdentifier. */
export const sha256Algorithm: Uint8Array = sequence(objectId(SHA256), nothing());

/** What goes into a SignedData beside the algorithm. */
export interface SignedDataParts {
  /** ContentInfo: type, and the content itself unless it is detached. */
  readonly content: Uint8Array;
  /** DER SET of authenticated attributes; none where the signature is over the content itself. */
  readonly attributes?: Uint8Array;
  /** What the key signs: the attributes, or the detached content. */
  readonly message: Uint8Array;
  /** RSA. */
  readonly key: PrivateKey;
  /** Of `key`, DER. */
  readonly certificate: Uint8Array;
}

/**
 * PKCS#7 SignedData with one signer (RFC 2315 §9): RSASSA-PKCS1-v1_5 with SHA-256 and no signing time, so that the same
 * message, key and certificate give the same bytes. Throws RangeError for a key that isn't the certificate's or isn't RSA.
 */
export async function signedData(parts: SignedDataParts): Promise<Uint8Array> {
  const { content, attributes, message, key, certificate } = parts;
  if (key.publicKey.asymmetricKeyType !== "rsa" || !new X509Certificate(certificate).publicKey.equals(key.publicKey)) {
    throw new RangeError("the key is not the RSA key of the certificate");
  }
  const signerInfo = sequence(
    smallInteger(1),
    issuerAndSerial(certificate),
    sha256Algorithm,
    ...(attributes === undefined ? [] : [context(0, valueOf(attributes))]),
    sequence(objectId(RSA_ENCRYPTION), nothing()),
    octetString(await key.sign(message)),
  );
  return sequence(smallInteger(1), setOf(sha256Algorithm), content, context(0, certificate), setOf(signerInfo));
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
export function valueOf(data: Uint8Array): Uint8Array {
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
