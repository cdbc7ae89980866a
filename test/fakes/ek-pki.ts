import "reflect-metadata";
import { createHash, createPublicKey, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { AsnConvert, OctetString } from "@peculiar/asn1-schema";
import {
  AlgorithmIdentifier,
  AttributeTypeAndValue,
  AttributeValue,
  BasicConstraints,
  Certificate,
  ExtendedKeyUsage,
  Extension,
  Extensions,
  GeneralName,
  id_ce_basicConstraints,
  id_ce_extKeyUsage,
  id_ce_keyUsage,
  id_ce_subjectAltName,
  KeyUsage,
  KeyUsageFlags,
  Name,
  RelativeDistinguishedName,
  SubjectAlternativeName,
  SubjectPublicKeyInfo,
  TBSCertificate,
  Validity,
  Version,
} from "@peculiar/asn1-x509";
import { publicKeyObject, type TpmPublic } from "../../proto/tpm/public.ts";

const ECDSA_SHA256 = "1.2.840.10045.4.3.2";
const COMMON_NAME = "2.5.4.3";
/** tcg-kp-EKCertificate. */
export const EK_USAGE = "2.23.133.8.1";

/** An authority of a TPM's maker. */
export interface TestCa {
  readonly der: Uint8Array;
  readonly name: string;
  readonly key: KeyObject;
}

/** What a certificate says; any part may be wrong. */
export interface CertificateOptions {
  readonly subject: string;
  readonly spki: Uint8Array;
  readonly issuer: { readonly name: string; readonly key: KeyObject };
  readonly extensions: readonly Extension[];
  readonly notBefore?: Date;
  readonly notAfter?: Date;
}

const nameOf = (text: string): Name => new Name(text === "" ? [] : [rdn([[COMMON_NAME, text]])]);
const rdn = (pairs: readonly (readonly [string, string])[]): RelativeDistinguishedName =>
  new RelativeDistinguishedName(pairs.map(([type, text]) => new AttributeTypeAndValue({ type, value: new AttributeValue({ utf8String: text }) })));

/** DER of an X.509 certificate with exactly these contents, signed by ECDSA P-256 with SHA-256. */
export function certificate(o: CertificateOptions): Uint8Array {
  const algorithm = new AlgorithmIdentifier({ algorithm: ECDSA_SHA256 });
  const serial = createHash("sha256").update(JSON.stringify([o.subject, o.extensions.length])).update(o.spki).digest().subarray(0, 15);
  const tbs = new TBSCertificate({
    version: Version.v3,
    serialNumber: new Uint8Array(Buffer.concat([Uint8Array.of(1), serial])).buffer,
    signature: algorithm,
    issuer: nameOf(o.issuer.name),
    validity: new Validity({ notBefore: o.notBefore ?? new Date("2024-01-01"), notAfter: o.notAfter ?? new Date("2034-01-01") }),
    subject: nameOf(o.subject),
    subjectPublicKeyInfo: AsnConvert.parse(o.spki, SubjectPublicKeyInfo),
    extensions: new Extensions([...o.extensions]),
  });
  const bytes = new Uint8Array(AsnConvert.serialize(tbs));
  const signatureValue = new Uint8Array(sign("sha256", bytes, o.issuer.key));
  return new Uint8Array(AsnConvert.serialize(new Certificate({ tbsCertificate: tbs, signatureAlgorithm: algorithm, signatureValue: signatureValue.buffer })));
}

const extension = (extnID: string, critical: boolean, value: object): Extension =>
  new Extension({ extnID, critical, extnValue: new OctetString(AsnConvert.serialize(value)) });

/** basicConstraints. */
export const constraints = (cA: boolean, pathLenConstraint?: number): Extension =>
  extension(id_ce_basicConstraints, true, new BasicConstraints(pathLenConstraint === undefined ? { cA } : { cA, pathLenConstraint }));
/** keyUsage by KeyUsageFlags. */
export const keyUsage = (flags: number): Extension => extension(id_ce_keyUsage, true, new KeyUsage(flags));
/** extKeyUsage. */
export const extendedUsage = (oid = EK_USAGE): Extension => extension(id_ce_extKeyUsage, false, new ExtendedKeyUsage([oid]));
/** One that nobody knows. */
export const unknownExtension = (critical: boolean): Extension => extension("1.2.3.4.5", critical, new BasicConstraints({ cA: false }));

/** TCG's directory name; without a manufacturer it doesn't say which TPM it is. */
export function tpmName(critical = true, manufacturer: string | null = "id:00001014"): Extension {
  const attributes: [string, string][] = [["2.23.133.2.2", "swtpm"], ["2.23.133.2.3", "id:20191023"]];
  if (manufacturer !== null) attributes.unshift(["2.23.133.2.1", manufacturer]);
  return extension(id_ce_subjectAltName, critical, new SubjectAlternativeName([new GeneralName({ directoryName: new Name([rdn(attributes)]) })]));
}

/** SubjectPublicKeyInfo of a private key's public part. */
export const spkiOf = (key: KeyObject): Uint8Array => new Uint8Array(createPublicKey(key).export({ type: "spki", format: "der" }));

/** The certificate that a maker issues about an EK, with parts changed. */
export function ekCertificate(ek: TpmPublic, issuer: CertificateOptions["issuer"], change: Partial<CertificateOptions> = {}): Uint8Array {
  const usage = ek.type === "rsa" ? KeyUsageFlags.keyEncipherment : KeyUsageFlags.keyAgreement;
  const spki = new Uint8Array(publicKeyObject(ek).export({ type: "spki", format: "der" }));
  return certificate({ subject: "", spki, issuer, extensions: [constraints(false), keyUsage(usage), extendedUsage(), tpmName()], ...change });
}

/** An authority, signed by another or by itself. */
export function makeCa(name: string, by: TestCa | null = null, change: Partial<CertificateOptions> = {}): TestCa {
  const { privateKey: key } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const extensions = [constraints(true), keyUsage(KeyUsageFlags.keyCertSign)];
  return { name, key, der: certificate({ subject: name, spki: spkiOf(key), issuer: by ?? { name, key }, extensions, ...change }) };
}
