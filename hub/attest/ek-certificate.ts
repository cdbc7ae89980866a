import type { EkQuirk } from "../../proto/release/ek-quirk.ts";
import { nameOf } from "../../proto/tpm/public.ts";
import { concatBytes, equalBytes, sha256 } from "../../proto/wire/bytes.ts";
import { toHex } from "../../proto/wire/hex.ts";
import type { AttestCode } from "./codes.ts";
import { derLength, need, oneLine, type ParsedCertificate, parseEkDer, subjectOf } from "./ek-der.ts";
import { checkIssuer, didIssue, isValid, outOfDates } from "./ek-issuer.ts";
import { checkEkLeaf, parseIssuer, type TpmMaker } from "./ek-leaf.ts";
import { type Finding, toFinding } from "./finding.ts";
import { checkEk } from "./keys.ts";
import { Refusal, refuseField } from "./refusal.ts";

/** Issuers between leaf and root; real chains have one or two. */
const MAX_DEPTH = 5;
/** Certificates beside the leaf that are looked at. */
const MAX_INTERMEDIATES = 16;
/** Real chains need three. Sixteen issuers of one name that all vouch for each other would ask for millions. */
const MAX_SIGNATURES = 64;

declare const verified: unique symbol;
/** A certificate that vouches for one EK. Only {@link verifyEkCertificate} makes one. */
export interface VerifiedEkCertificate extends TpmMaker {
  readonly [verified]: true;
  /** Name of the EK that it is about, hex. */
  readonly ekName: string;
  /** SHA-256 of the root that the chain ends in, hex. */
  readonly root: string;
  /** When the first certificate of the path runs out; a leaf's own end doesn't count where `expired-leaf` was needed. */
  readonly notAfter: Date;
  readonly quirks: readonly EkQuirk[];
}

/** Which makers' TPMs an operator believes, and what he puts up with. */
export interface EkTrust {
  /** DER. A root counts because it is listed here, not because it signed itself. */
  readonly roots: readonly Uint8Array[];
  /** DER of makers' issuing CAs, for TPMs that don't hold their chain (keylime#217). */
  readonly intermediates: readonly Uint8Array[];
  readonly quirks: readonly EkQuirk[];
  /** SHA-256 (hex) of certificates that are withdrawn: leaves, issuers or roots. Lists of makers are read elsewhere. */
  readonly revoked: readonly string[];
}

/** What a machine shows; nothing of it is believed yet. */
export interface UnverifiedEkCertificate {
  readonly ekPublic: Uint8Array;
  /** As it stands in NV. */
  readonly certificate: Uint8Array;
  /** Parts of a chain as the NV indexes have them: DER, one after the other, also across parts; in any order. */
  readonly intermediates: readonly Uint8Array[];
}

/** The answer; the code is one of the verdict's. */
export type EkCertificateVerdict =
  | { readonly ok: true; readonly certificate: VerifiedEkCertificate }
  | { readonly ok: false; readonly code: AttestCode; readonly message: string; readonly findings: readonly Finding[] };

/**
 * Whether a configured root vouches for this EK (P9). Pure: `now` is an argument. Accepts only if: the leaf is one certificate (quirks by
 * name), about exactly this key, for endorsement keys, no CA, with a TCG name; a path of issuers leads to a configured root, each a CA with
 * the right to sign certificates and room for the path, each signature good; every certificate on the path is valid now and not
 * withdrawn; nothing critical is unknown. What the machine sends along can only be an issuer on the way, never a root.
 */
export function verifyEkCertificate(shown: UnverifiedEkCertificate, trust: EkTrust, now: Date): EkCertificateVerdict {
  try {
    return { ok: true, certificate: verify(shown, trust, now) };
  } catch (error) {
    const refusal = error instanceof Refusal ? error : broken(error);
    return { ok: false, code: refusal.code, message: refusal.message, findings: refusal.differences.map(toFinding) };
  }
}

function verify(shown: UnverifiedEkCertificate, trust: EkTrust, now: Date): VerifiedEkCertificate {
  const ek = checkEk(shown.ekPublic);
  const quirks = new Set(trust.quirks);
  const used = new Set<EkQuirk>();
  const leaf = parseEkDer(shown.certificate, quirks, used);
  const maker = checkEkLeaf(leaf, ek, quirks, used);
  const revoked = new Set(trust.revoked);
  if (revoked.has(fingerprint(leaf))) throw withdrawn(leaf);
  if (!isValid(leaf, now)) need("expired-leaf", quirks, used, outOfDates(leaf, now));
  if (now < leaf.x509.validFromDate) throw outOfDates(leaf, now, "The EK's certificate isn't valid yet.");
  const { roots, intermediates } = parsedIssuers(trust);
  const others = [...splitChain(shown.intermediates).flatMap((der) => parseIssuer(der) ?? []), ...intermediates];
  const search: Search = { roots, others, revoked, now, fault: null, left: MAX_SIGNATURES };
  const path = findPath(leaf, search, []);
  const root = path?.at(-1);
  if (path === null || root === undefined) throw search.fault ?? untrusted(leaf, search);
  const ends = [...(used.has("expired-leaf") ? [] : [leaf]), ...path].map(({ x509 }) => x509.validToDate.getTime());
  // The brand exists in types alone.
  return { ...maker, ekName: toHex(nameOf(shown.ekPublic)), root: fingerprint(root), notAfter: new Date(Math.min(...ends)), quirks: [...used] } as unknown as VerifiedEkCertificate;
}

interface Issuers {
  readonly roots: readonly ParsedCertificate[];
  readonly intermediates: readonly ParsedCertificate[];
}

/** Some two hundred certificates take longer to parse than a chain to verify; they stay the same for as long as their configuration. */
const parsed = new WeakMap<EkTrust, Issuers>();

function parsedIssuers(trust: EkTrust): Issuers {
  const known = parsed.get(trust);
  if (known !== undefined) return known;
  const issuers = { roots: trust.roots.flatMap((der) => parseIssuer(der) ?? []), intermediates: trust.intermediates.flatMap((der) => parseIssuer(der) ?? []) };
  parsed.set(trust, issuers);
  return issuers;
}

/** Certificates of a chain in NV: each begins where the one before ends; what is no certificate ends it. */
function splitChain(parts: readonly Uint8Array[]): readonly Uint8Array[] {
  const whole = concatBytes(...parts.slice(0, MAX_INTERMEDIATES));
  const found: Uint8Array[] = [];
  for (let at = 0; found.length < MAX_INTERMEDIATES; ) {
    const length = derLength(whole.subarray(at));
    if (length === undefined || at + length > whole.length) break;
    found.push(whole.subarray(at, at + length));
    at += length;
  }
  return found;
}

interface Search {
  readonly roots: readonly ParsedCertificate[];
  readonly others: readonly ParsedCertificate[];
  readonly revoked: ReadonlySet<string>;
  readonly now: Date;
  /** Why the best path failed: worth more than "no path". */
  fault: Refusal | null;
  /** Signatures that may still be checked. */
  left: number;
}

/** Depth first; `path` has the issuers between the leaf and `child`, the nearest to the leaf first. Gives them all, the root last. */
function findPath(child: ParsedCertificate, search: Search, path: readonly ParsedCertificate[]): readonly ParsedCertificate[] | null {
  for (const root of search.roots) {
    if (issued(root, child, path.length, search)) return [...path, root];
  }
  if (path.length === MAX_DEPTH) return null;
  for (const issuer of search.others) {
    if (path.includes(issuer) || !issued(issuer, child, path.length, search)) continue;
    const found = findPath(issuer, search, [...path, issuer]);
    if (found !== null) return found;
  }
  return null;
}

/** Whether `issuer` issued `child` and may: its faults count only where its signature is good, so that nobody else's spoil a search. */
function issued(issuer: ParsedCertificate, child: ParsedCertificate, below: number, search: Search): boolean {
  if (equalBytes(issuer.der, child.der) || child.x509.issuer !== issuer.x509.subject) return false;
  if (search.left-- <= 0) throw untrusted(child, search, `The EK's certificate leads nowhere within ${MAX_SIGNATURES} signatures.`);
  if (!didIssue(issuer, child)) return false;
  try {
    checkIssuer(issuer, below);
    if (search.revoked.has(fingerprint(issuer))) throw withdrawn(issuer);
    if (!isValid(issuer, search.now)) throw outOfDates(issuer, search.now);
    return true;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    search.fault ??= error;
    return false;
  }
}

function fingerprint({ der }: ParsedCertificate): string {
  return toHex(sha256(der));
}

function withdrawn(certificate: ParsedCertificate): Refusal {
  return refuseField("EK_CERTIFICATE_REVOKED", "ek.certificate", { what: `certificate of ${subjectOf(certificate)}`, expected: "no certificate that was withdrawn", found: fingerprint(certificate) });
}

/** No path from `from` to any root; what is missing is most often the certificate of its issuer. */
function untrusted(from: ParsedCertificate, { roots }: Search, detail?: string): Refusal {
  const expected = roots.length === 0 ? "a path to a configured root, of which there is none" : `a path to one of ${roots.length} configured roots`;
  return refuseField("EK_CERTIFICATE_UNTRUSTED", "ek.certificate", { what: "who issued it", expected, found: `issued by ${oneLine(from.x509.issuer)}`, ...(detail !== undefined && { detail }) });
}

function broken(error: unknown): Refusal {
  const why = error instanceof Error ? error.message : String(error);
  return refuseField("EK_CERTIFICATE_MALFORMED", "ek.certificate", { what: "its form", expected: "a certificate that can be judged", found: why, detail: `A check broke: ${why}` });
}
