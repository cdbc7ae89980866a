import { DerReader } from "../wire/der-reader.ts";
import { WireError } from "../wire/error.ts";

/** Tags of X.690 and, from `VERSION` on, of X.509. */
const TAG = { INTEGER: 0x02, BITS: 0x03, OCTETS: 0x04, SEQUENCE: 0x30, VERSION: 0xa0, EXTENSIONS: 0xa3 } as const;
const MAX_EXTENSIONS = 16;

/** What is judged of a certificate beside its signature and key. */
export interface UnverifiedCertificate {
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly extensions: readonly CertificateExtension[];
}

/** One extension; `value` is DER. */
export interface CertificateExtension {
  readonly id: string;
  readonly critical: boolean;
  readonly value: Uint8Array;
}

/**
 * DER of one certificate of version 3 (RFC 5280 §4.1) and nothing behind it → dates and extensions. Names, algorithms and key are
 * skipped: OpenSSL reads them. Throws WireError.
 */
export function parseCertificate(der: Uint8Array): UnverifiedCertificate {
  const whole = new DerReader(der);
  const certificate = whole.enter(TAG.SEQUENCE);
  whole.end();
  const tbs = certificate.enter(TAG.SEQUENCE);
  certificate.contents(TAG.SEQUENCE); // signatureAlgorithm
  certificate.contents(TAG.BITS);
  certificate.end();
  const version = tbs.enter(TAG.VERSION);
  const [number, ...more] = version.contents(TAG.INTEGER);
  version.end();
  if (number !== 2 || more.length > 0) throw new WireError("BAD_VALUE", "a certificate that isn't of version 3");
  tbs.contents(TAG.INTEGER); // serialNumber
  tbs.contents(TAG.SEQUENCE); // signature
  tbs.contents(TAG.SEQUENCE); // issuer
  const validity = tbs.enter(TAG.SEQUENCE);
  const dates = { notBefore: validity.time(), notAfter: validity.time() };
  validity.end();
  tbs.contents(TAG.SEQUENCE); // subject
  tbs.contents(TAG.SEQUENCE); // subjectPublicKeyInfo
  const extensions = tbs.enter(TAG.EXTENSIONS);
  tbs.end();
  const list = extensions.enter(TAG.SEQUENCE);
  extensions.end();
  return { ...dates, extensions: readExtensions(list) };
}

function readExtensions(list: DerReader): readonly CertificateExtension[] {
  const found: CertificateExtension[] = [];
  while (list.next !== null) {
    if (found.length === MAX_EXTENSIONS) throw new WireError("TOO_LARGE", `more than ${MAX_EXTENSIONS} extensions`);
    const one = list.enter(TAG.SEQUENCE);
    found.push({ id: one.objectId(), critical: one.flag(), value: one.contents(TAG.OCTETS) });
    one.end();
  }
  return found;
}

/** Ids of the extensions that our certificates carry (RFC 5280 §4.2.1). */
export const EXTENSION = {
  keyUsage: "2.5.29.15",
  subjectAltName: "2.5.29.17",
  basicConstraints: "2.5.29.19",
  nameConstraints: "2.5.29.30",
  extKeyUsage: "2.5.29.37",
} as const;

/** BasicConstraints; a path length that is left out is null. Throws WireError. */
export function readBasicConstraints(value: Uint8Array): { readonly ca: boolean; readonly pathLength: number | null } {
  const body = only(value);
  const ca = body.flag();
  let pathLength: number | null = null;
  if (body.next !== null) {
    const [length, ...more] = body.contents(TAG.INTEGER);
    if (length === undefined || length > 127 || more.length > 0) throw new WireError("BAD_VALUE", "a path length that none of ours has");
    pathLength = length;
  }
  body.end();
  return { ca, pathLength };
}

/** KeyUsage: the numbers of the bits that are set, ascending. Throws WireError. */
export function readKeyUsage(value: Uint8Array): readonly number[] {
  const whole = new DerReader(value);
  const [unused, ...bytes] = whole.contents(TAG.BITS);
  whole.end();
  if (unused === undefined || unused > 7 || bytes.length > 2 || (bytes.length === 0 && unused > 0)) throw new WireError("BAD_VALUE", "malformed key usage");
  return Array.from({ length: bytes.length * 8 - unused }, (_, i) => i).filter((i) => ((bytes[i >> 3] ?? 0) & (0x80 >> (i & 7))) !== 0);
}

/** ExtKeyUsageSyntax: its ids. Throws WireError. */
export function readExtKeyUsage(value: Uint8Array): readonly string[] {
  const list = only(value);
  const ids: string[] = [];
  while (list.next !== null) ids.push(list.objectId());
  return ids;
}

/** [6] IA5String: a URI among GeneralNames. */
const URI = 0x86;

/** SubjectAltName that is one URI and nothing else; null for any other. Throws WireError. */
export function readOnlyUri(value: Uint8Array): string | null {
  const names = only(value);
  if (names.next !== URI) return null;
  const uri = ascii(names.contents(URI));
  return names.next === null ? uri : null;
}

/** NameConstraints that permit one URI host, without further conditions; null for any other. Throws WireError. */
export function readPermittedUri(value: Uint8Array): string | null {
  const constraints = only(value);
  if (constraints.next !== 0xa0) return null;
  const permitted = constraints.enter(0xa0);
  if (constraints.next !== null) return null;
  const subtree = permitted.enter(TAG.SEQUENCE);
  if (permitted.next !== null || subtree.next !== URI) return null;
  const host = ascii(subtree.contents(URI));
  return subtree.next === null ? host : null;
}

/** The one SEQUENCE that an extension's value is. */
function only(value: Uint8Array): DerReader {
  const whole = new DerReader(value);
  const body = whole.enter(TAG.SEQUENCE);
  whole.end();
  return body;
}

function ascii(data: Uint8Array): string {
  if (data.some((byte) => byte < 0x20 || byte > 0x7e)) throw new WireError("BAD_VALUE", "a name that isn't ASCII");
  return new TextDecoder("latin1").decode(data);
}
