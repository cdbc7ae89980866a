import "reflect-metadata";
import { X509Certificate } from "node:crypto";
import { AsnConvert } from "@peculiar/asn1-schema";
import { Certificate } from "@peculiar/asn1-x509";
import { printable } from "../../proto/eventlog/printable.ts";
import type { EkQuirk } from "../../proto/release/ek-quirk.ts";
import { Refusal, refuseField } from "./refusal.ts";

/**
 * What real makers' EK certificates do against the standard, by name. A quirk is tolerated only where the configuration of roots lists
 * it, and what was tolerated is recorded with the certificate; any other deviation is refused.
 */
export const EK_QUIRKS = {
  /** The NV index is larger than the certificate and filled with 00 or FF (rust-keylime#1681 and others). */
  "nv-padding": "bytes 00 or FF follow the certificate, up to the NV index's size",
  /** TCG_PCCLIENT_STORED_CERT of TPM 1.2 around the certificate: 1001 00 LLLL 1002. */
  "stored-header": "the certificate stands in the wrapper of TPM 1.2",
  /** Infineon: the key's algorithm is id-RSAES-OAEP, which OpenSSL takes for no key. */
  "oaep-key": "the certificate calls its RSA key an OAEP key",
  /** Makers that issued for five years to machines that live ten. Only the leaf, never an issuer. */
  "expired-leaf": "the EK's own certificate has run out",
} as const satisfies Readonly<Record<EkQuirk, string>>;

/** A certificate in both readings: OpenSSL's for signatures, the syntax tree for everything that is judged. */
export interface ParsedCertificate {
  readonly der: Uint8Array;
  readonly x509: X509Certificate;
  readonly asn: Certificate;
}

const MAX_BYTES = 8 * 1024;
const STORED_HEADER: readonly number[] = [0x10, 0x01, 0x00];
const STORED_TAG: readonly number[] = [0x10, 0x02];
const STORED_BYTES = 7;

/** DER of exactly one certificate; whatever stands around it needs its quirk in `quirks`, which `used` collects. Throws Refusal. */
export function parseEkDer(data: Uint8Array, quirks: ReadonlySet<EkQuirk>, used: Set<EkQuirk>): ParsedCertificate {
  if (data.length > MAX_BYTES) throw malformed(`it has ${data.length} bytes, at most ${MAX_BYTES} are taken`);
  return parseDer(unpad(unwrap(data, quirks, used), quirks, used));
}

/** DER of a certificate by the book, as an issuer's is. Throws Refusal. */
export function parseDer(der: Uint8Array): ParsedCertificate {
  if (der.length > MAX_BYTES) throw malformed(`it has ${der.length} bytes, at most ${MAX_BYTES} are taken`);
  try {
    const x509 = new X509Certificate(der);
    // OpenSSL stops where the certificate ends; nothing may hide behind it.
    if (x509.raw.length !== der.length) throw new Error("bytes follow it");
    return { der, x509, asn: AsnConvert.parse(der, Certificate) };
  } catch (cause) {
    throw malformed(cause instanceof Error ? cause.message : String(cause));
  }
}

function unwrap(data: Uint8Array, quirks: ReadonlySet<EkQuirk>, used: Set<EkQuirk>): Uint8Array {
  if (!STORED_HEADER.every((b, i) => data[i] === b)) return data;
  need("stored-header", quirks, used);
  const length = ((data[3] ?? 0) << 8) | (data[4] ?? 0);
  const body = data.subarray(STORED_BYTES, STORED_BYTES - STORED_TAG.length + length);
  if (!STORED_TAG.every((b, i) => data[5 + i] === b) || body.length !== length - STORED_TAG.length) throw malformed("its wrapper of TPM 1.2 is damaged");
  return body;
}

function unpad(data: Uint8Array, quirks: ReadonlySet<EkQuirk>, used: Set<EkQuirk>): Uint8Array {
  const length = derLength(data);
  if (length === undefined || length >= data.length) return data;
  const rest = data.subarray(length);
  if (!rest.every((b) => b === 0) && !rest.every((b) => b === 0xff)) return data;
  need("nv-padding", quirks, used);
  return data.subarray(0, length);
}

/** Bytes of the outermost SEQUENCE with its header; a certificate's length takes two bytes. */
export function derLength(data: Uint8Array): number | undefined {
  if (data[0] !== 0x30 || data[1] !== 0x82 || data.length < 4) return undefined;
  return 4 + (((data[2] ?? 0) << 8) | (data[3] ?? 0));
}

/** Records that a quirk is used, or refuses it by name. Throws Refusal: `refusal` with that sentence, or `EK_CERTIFICATE_MALFORMED`. */
export function need(quirk: EkQuirk, quirks: ReadonlySet<EkQuirk>, used: Set<EkQuirk>, refusal?: Refusal): void {
  if (quirks.has(quirk)) return void used.add(quirk);
  const detail = `The EK's certificate needs the quirk ${quirk}, which isn't allowed: ${EK_QUIRKS[quirk]}.`;
  if (refusal !== undefined) throw new Refusal(refusal.code, refusal.differences, detail);
  throw refuseField("EK_CERTIFICATE_MALFORMED", "ek.certificate", { what: `the quirk ${quirk}`, expected: `a certificate by the standard, or the quirk ${quirk} allowed`, found: EK_QUIRKS[quirk], detail });
}

/** Whom a certificate is about, on one line and safe to show. */
export function subjectOf({ x509 }: ParsedCertificate): string {
  return oneLine(x509.subject) || "a TPM without a name";
}

/** A distinguished name as Node writes it, on one line and safe to show. */
export function oneLine(name: string | undefined): string {
  return printable((name ?? "").split("\n").join(", "));
}

function malformed(why: string): Refusal {
  const fault = { what: "its form", expected: "DER of exactly one certificate", found: why, detail: `A certificate of the endorsement key can't be read: ${why}.` };
  return refuseField("EK_CERTIFICATE_MALFORMED", "ek.certificate", fault);
}
