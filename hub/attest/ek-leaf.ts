import { AsnConvert } from "@peculiar/asn1-schema";
import {
  BasicConstraints,
  ExtendedKeyUsage,
  id_ce_authorityKeyIdentifier,
  id_ce_basicConstraints,
  id_ce_certificatePolicies,
  id_ce_extKeyUsage,
  id_ce_keyUsage,
  id_ce_subjectAltName,
  KeyUsage,
  KeyUsageFlags,
  SubjectAlternativeName,
} from "@peculiar/asn1-x509";
import { publicKeyObject, type TpmPublic } from "../../proto/tpm/public.ts";
import { printable } from "../../proto/eventlog/printable.ts";
import type { EkQuirk } from "../../proto/release/ek-quirk.ts";
import { equalBytes, sha256 } from "../../proto/wire/bytes.ts";
import { toHex } from "../../proto/wire/hex.ts";
import { need, parseDer, type ParsedCertificate } from "./ek-der.ts";
import { type Refusal, refuseField } from "./refusal.ts";

/** tcg-kp-EKCertificate (TCG EK Credential Profile 2.5, 3.2.16). */
const EK_USAGE = "2.23.133.8.1";
const TCG_ATTRIBUTES = { manufacturer: "2.23.133.2.1", model: "2.23.133.2.2", version: "2.23.133.2.3" } as const;
const OAEP = "1.2.840.113549.1.1.7";
const RSA = "1.2.840.113549.1.1.1";
/** Extensions that are judged here or name no right; another critical one means something that we don't know. */
const KNOWN: readonly string[] = [id_ce_basicConstraints, id_ce_keyUsage, id_ce_extKeyUsage, id_ce_subjectAltName, id_ce_certificatePolicies, id_ce_authorityKeyIdentifier];

/** Who made a TPM, as its certificate's name says (tpmManufacturer `id:494E5443`, tpmModel, tpmVersion); safe to show. */
export interface TpmMaker {
  readonly manufacturer: string;
  readonly model: string;
  readonly version: string;
}

/**
 * The leaf itself: about exactly this EK (P9), for endorsement keys alone, no CA, with a TCG name, without a critical extension that
 * isn't understood. Throws Refusal.
 */
export function checkEkLeaf(leaf: ParsedCertificate, ek: TpmPublic, quirks: ReadonlySet<EkQuirk>, used: Set<EkQuirk>): TpmMaker {
  checkExtensions(leaf, KNOWN);
  const basic = extension(leaf, id_ce_basicConstraints, BasicConstraints);
  if (basic?.cA === true) throw unfit("it is that of a certificate authority");
  if (extension(leaf, id_ce_extKeyUsage, ExtendedKeyUsage)?.includes(EK_USAGE) !== true) throw unfit("its usage isn't an endorsement key's");
  const usage = extension(leaf, id_ce_keyUsage, KeyUsage);
  const flag = ek.type === "rsa" ? KeyUsageFlags.keyEncipherment : KeyUsageFlags.keyAgreement;
  if (usage !== undefined && (usage.toNumber() & flag) === 0) throw unfit("its key usage isn't an endorsement key's");
  checkKey(leaf, ek, quirks, used);
  return readMaker(leaf);
}

/** No extension twice, none critical that isn't `known`. Throws Refusal. */
export function checkExtensions({ asn }: ParsedCertificate, known: readonly string[]): void {
  const seen = new Set<string>();
  for (const { extnID, critical } of asn.tbsCertificate.extensions ?? []) {
    if (seen.has(extnID)) throw unfit(`it has the extension ${extnID} twice`);
    if (critical && !known.includes(extnID)) throw unfit(`it has the critical extension ${extnID}, which isn't known`);
    seen.add(extnID);
  }
}

/** The parsed extension, or undefined. Throws Refusal where it is there and can't be read. */
export function extension<T>({ asn }: ParsedCertificate, id: string, type: new () => T): T | undefined {
  const found = asn.tbsCertificate.extensions?.find((e) => e.extnID === id);
  if (found === undefined) return undefined;
  try {
    return AsnConvert.parse(found.extnValue.buffer, type);
  } catch (cause) {
    const fault = { what: `extension ${id}`, expected: "an extension that can be read", found: "bytes that can't", detail: `The EK's certificate has an unreadable extension ${id}.` };
    throw refuseField("EK_CERTIFICATE_MALFORMED", "ek.certificate", fault, { cause });
  }
}

/** Byte for byte, so that no two encodings of a key are one. */
function checkKey({ asn }: ParsedCertificate, ek: TpmPublic, quirks: ReadonlySet<EkQuirk>, used: Set<EkQuirk>): void {
  const spki = publicKeyObject(ek).export({ type: "spki", format: "der" });
  const { algorithm, subjectPublicKey } = asn.tbsCertificate.subjectPublicKeyInfo;
  const found = new Uint8Array(AsnConvert.serialize(asn.tbsCertificate.subjectPublicKeyInfo));
  if (equalBytes(found, new Uint8Array(spki))) return;
  const bits = new Uint8Array(subjectPublicKey);
  // An RSA key ends its SubjectPublicKeyInfo; what stands before names only the algorithm.
  const sameKey = bits.length > 0 && spki.length > bits.length && equalBytes(new Uint8Array(spki.subarray(spki.length - bits.length)), bits);
  if (ek.type !== "rsa" || algorithm.algorithm === RSA || algorithm.algorithm !== OAEP || !sameKey) {
    const spkiText = (der: Uint8Array): string => `SubjectPublicKeyInfo with SHA-256 ${toHex(sha256(der))}`;
    throw refuseField("EK_CERTIFICATE_KEY_WRONG", "ek.certificate", { what: "key that it is about", expected: spkiText(new Uint8Array(spki)), found: spkiText(found) });
  }
  need("oaep-key", quirks, used);
}

/** The SAN (critical where the subject is empty) holds a directory name with TCG's attributes; no other kind of name is expected. */
function readMaker(leaf: ParsedCertificate): TpmMaker {
  const names = extension(leaf, id_ce_subjectAltName, SubjectAlternativeName) ?? [];
  const attributes = new Map<string, string>();
  for (const name of names) {
    for (const rdn of name.directoryName ?? []) for (const { type, value } of rdn) attributes.set(type, printable(value.toString()).slice(0, 64));
  }
  const maker = Object.fromEntries(Object.entries(TCG_ATTRIBUTES).map(([key, oid]) => [key, attributes.get(oid) ?? ""])) as unknown as TpmMaker;
  if (maker.manufacturer === "" || maker.model === "") throw unfit("its name doesn't say which TPM it is");
  return maker;
}

/** A refusal that says why a certificate is no good. */
export function unfit(why: string): Refusal {
  const fault = { what: "what it may be used for", expected: "a certificate for this EK, and authorities above it", found: why };
  return refuseField("EK_CERTIFICATE_UNFIT", "ek.certificate", { ...fault, detail: `The EK's certificate or an issuer's is none that counts: ${why}.` });
}

/** Reads an issuer's certificate; one that can't be read is no issuer. */
export function parseIssuer(der: Uint8Array): ParsedCertificate | null {
  try {
    return parseDer(der);
  } catch {
    return null;
  }
}
