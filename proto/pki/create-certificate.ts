import "reflect-metadata";
import { createPublicKey, type KeyObject, sign } from "node:crypto";
import { AsnConvert } from "@peculiar/asn1-schema";
import { Certificate } from "@peculiar/asn1-x509";
import * as x509 from "@peculiar/x509";

/** A private key that may be elsewhere: in another process, in a token. */
export interface RemoteKey {
  readonly publicKey: KeyObject;
  /** ECDSA with SHA-256 as DER for P-256, RSASSA-PKCS1-v1_5 with SHA-256 for RSA. */
  sign(message: Uint8Array): Promise<Uint8Array>;
}

/** What stands in a certificate; the caller brings time and serial. */
export interface CertificateContents {
  readonly subject: string;
  readonly issuer: string;
  readonly subjectKey: KeyObject;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** Hex, positive. */
  readonly serial: string;
  readonly extensions: readonly x509.Extension[];
}

/** Algorithms by the signing key's type, and a signature that only holds the place of the real one. */
const ALGORITHMS = {
  ec: { algorithm: { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" }, placeholder: new Uint8Array(64) },
  rsa: { algorithm: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" }, placeholder: new Uint8Array(256) },
} as const;

/** An X.509 v3 certificate, signed by `key`. DER. */
export async function createCertificate(contents: CertificateContents, key: KeyObject | RemoteKey): Promise<Uint8Array> {
  const { algorithm, placeholder } = algorithmOf(publicKeyOf(key));
  const { subjectKey, serial, extensions, ...rest } = contents;
  const unsigned = await x509.X509CertificateGenerator.create({
    ...rest,
    serialNumber: serial,
    publicKey: new x509.PublicKey(spkiOf(subjectKey)),
    extensions: [...extensions],
    signingAlgorithm: algorithm,
    signature: placeholder,
  });
  const certificate = AsnConvert.parse(unsigned.rawData, Certificate);
  const message = new Uint8Array(AsnConvert.serialize(certificate.tbsCertificate));
  certificate.signatureValue = Uint8Array.from(await signBy(key, message)).buffer;
  return new Uint8Array(AsnConvert.serialize(certificate));
}

/** The public half of a private key, wherever that is, or the public key itself. */
export function publicKeyOf(key: KeyObject | RemoteKey): KeyObject {
  if ("publicKey" in key) return key.publicKey;
  return key.type === "private" ? createPublicKey(key) : key;
}

/** SubjectPublicKeyInfo, DER. */
export function spkiOf(key: KeyObject): ArrayBuffer {
  return Uint8Array.from(publicKeyOf(key).export({ type: "spki", format: "der" })).buffer;
}

async function signBy(key: KeyObject | RemoteKey, message: Uint8Array): Promise<Uint8Array> {
  return "publicKey" in key ? await key.sign(message) : new Uint8Array(sign("sha256", message, key));
}

function algorithmOf(key: KeyObject): (typeof ALGORITHMS)["ec" | "rsa"] {
  const type = key.asymmetricKeyType;
  if (type !== "ec" && type !== "rsa") throw new RangeError(`keys of type ${type} don't sign certificates`);
  return ALGORITHMS[type];
}
