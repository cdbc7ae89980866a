import {
  BasicConstraints,
  id_ce_authorityKeyIdentifier,
  id_ce_basicConstraints,
  id_ce_certificatePolicies,
  id_ce_keyUsage,
  KeyUsage,
  KeyUsageFlags,
} from "@peculiar/asn1-x509";
import { type ParsedCertificate, parseDer, subjectOf } from "./ek-der.ts";
import { checkExtensions, extension, unfit } from "./ek-leaf.ts";
import { type Refusal, refuseField } from "./refusal.ts";

const ISSUER_EXTENSIONS: readonly string[] = [id_ce_basicConstraints, id_ce_keyUsage, id_ce_certificatePolicies, id_ce_authorityKeyIdentifier];

/** RFC 5280, 6.1.4: a CA by its constraints, with the right to sign certificates and room for `below` issuers under it. Throws Refusal. */
export function checkIssuer(issuer: ParsedCertificate, below: number): void {
  checkExtensions(issuer, ISSUER_EXTENSIONS);
  const basic = extension(issuer, id_ce_basicConstraints, BasicConstraints);
  if (basic?.cA !== true) throw unfit("an issuer is no certificate authority");
  if (basic.pathLenConstraint !== undefined && basic.pathLenConstraint < below) throw unfit("an issuer may not stand so far above the leaf");
  const usage = extension(issuer, id_ce_keyUsage, KeyUsage);
  if (usage !== undefined && (usage.toNumber() & KeyUsageFlags.keyCertSign) === 0) throw unfit("an issuer may not sign certificates");
}

/** Whether the signature on `child` is one by `issuer`'s key and the names fit. An issuer without a name has issued nothing. */
export function didIssue(issuer: ParsedCertificate, child: ParsedCertificate): boolean {
  if (!issuer.x509.subject || child.x509.issuer !== issuer.x509.subject) return false;
  try {
    return child.x509.verify(issuer.x509.publicKey);
  } catch {
    return false;
  }
}

/** Whether `now` lies within the certificate's dates. */
export function isValid({ x509 }: ParsedCertificate, now: Date): boolean {
  return x509.validFromDate <= now && now <= x509.validToDate;
}

/** The refusal of a certificate whose dates don't hold `now`. */
export function outOfDates(certificate: ParsedCertificate, now: Date, detail?: string): Refusal {
  const { validFrom, validTo } = certificate.x509;
  const fault = { what: `dates of the certificate of ${subjectOf(certificate)}`, expected: `valid on ${now.toISOString().slice(0, 10)}`, found: `valid from ${validFrom} to ${validTo}` };
  return refuseField("EK_CERTIFICATE_EXPIRED", "ek.certificate", { ...fault, ...(detail !== undefined && { detail }) });
}

/** A certificate as somebody configures it, found fit to issue. */
export interface EkIssuer extends ParsedCertificate {
  /** It signed itself: fit to be a root, if it is listed as one. */
  readonly selfSigned: boolean;
}

/** DER of a maker's root or issuing CA → the certificate, if it could stand in a chain at `now`. Throws Refusal with the reason. */
export function readEkIssuer(der: Uint8Array, now: Date): EkIssuer {
  const certificate = parseDer(der);
  checkIssuer(certificate, 0);
  const { validFrom, validTo } = certificate.x509;
  if (!isValid(certificate, now)) throw outOfDates(certificate, now, `It is valid from ${validFrom} to ${validTo}.`);
  return { ...certificate, selfSigned: didIssue(certificate, certificate) };
}
