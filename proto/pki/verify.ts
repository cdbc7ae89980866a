import { type KeyObject, X509Certificate } from "node:crypto";
import { dnsLabel } from "../wire/text.ts";
import { PkiError } from "./error.ts";
import { identityHost, identityUri, type PkiRole, type Subject, subjectOf } from "./names.ts";
import type { OperatorRole } from "./operator-role.ts";
import { EXTENSION, parseCertificate, readBasicConstraints, readExtKeyUsage, readKeyUsage, readOnlyUri, readPermittedUri, type UnverifiedCertificate } from "./parse-certificate.ts";

/** Certificates of ours have about 600 bytes. */
const MAX_CERTIFICATE_BYTES = 4096;
const KNOWN_EXTENSIONS: readonly string[] = Object.values(EXTENSION);
/** keyCertSign (RFC 5280 §4.2.1.3). */
const CERT_SIGN = 5;
const SERVER_AUTH = "1.3.6.1.5.5.7.3.1";
const CLIENT_AUTH = "1.3.6.1.5.5.7.3.2";

/** What is asked: is this chain an identity of this role in this cluster, now? */
export interface IdentityQuestion {
  /** DER, leaf first, then the intermediate; the root is never taken from the peer. */
  readonly chain: readonly Uint8Array[];
  /** PEM or DER of the cluster's root, from the image or the key directory. */
  readonly root: string | Uint8Array;
  readonly role: PkiRole;
  readonly cluster: string;
  readonly now: Date;
}

/** A peer whose certificate chain was verified. */
export interface Identity {
  readonly name: string;
  readonly key: KeyObject;
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Uint8Array;
}

/** An operator whose certificate chain was verified. */
export interface OperatorIdentity extends Identity {
  readonly operatorRole: OperatorRole;
}

interface Parsed {
  readonly x509: X509Certificate;
  readonly asn: UnverifiedCertificate;
}

/**
 * The one judge of identities. Accepts only if: the chain is leaf and intermediate; each is well-formed, P-256 and
 * without unknown critical extensions; root signed the intermediate and the intermediate the leaf; all three are valid
 * now; the intermediate is a CA of path length 0, constrained to exactly this role and cluster; the leaf is no CA, has the
 * role's usage, and its only name is `kubedos://ROLE.CLUSTER/NAME`. Throws {@link PkiError}.
 */
export function verifyIdentity(q: IdentityQuestion & { readonly role: "hub" | "node" }): Identity {
  const { leaf, subject } = verifyChain(q);
  return identityOf(leaf, subject.name);
}

/** The same judge for operators, whose only name is `kubedos://operator.CLUSTER/OPERATOR-ROLE/NAME`. Throws {@link PkiError}. */
export function verifyOperator(q: Omit<IdentityQuestion, "role">): OperatorIdentity {
  const { leaf, subject } = verifyChain({ ...q, role: "operator" });
  if (subject.role !== "operator") throw new PkiError("WRONG_NAME", "the certificate names no operator");
  return { ...identityOf(leaf, subject.name), operatorRole: subject.operatorRole };
}

function identityOf(leaf: Parsed, name: string): Identity {
  return { name, key: leaf.x509.publicKey, spki: spkiOf(leaf) };
}

function verifyChain(q: IdentityQuestion): { readonly leaf: Parsed; readonly subject: Subject } {
  const [leafDer, intermediateDer] = q.chain;
  if (leafDer === undefined || intermediateDer === undefined || q.chain.length !== 2) {
    throw new PkiError("CHAIN_LENGTH", `a chain has a leaf and an intermediate, this one has ${q.chain.length} certificates`);
  }
  const root = parse(q.root);
  const intermediate = parse(intermediateDer);
  const leaf = parse(leafDer);
  checkIssued(intermediate, root);
  checkIssued(leaf, intermediate);
  for (const certificate of [root, intermediate, leaf]) checkTime(certificate, q.now);
  checkIssuer(root, null);
  checkIssuer(intermediate, { role: q.role, cluster: q.cluster });
  return { leaf, subject: leafSubject(leaf, q.role, q.cluster) };
}

/** A stranger's certificate: signed by its own key, valid now. Says nothing but which key the peer holds. Throws {@link PkiError}. */
export function verifySelfSigned(der: Uint8Array, now: Date): { readonly spki: Uint8Array; readonly key: KeyObject } {
  const certificate = parse(der);
  checkIssued(certificate, certificate);
  checkTime(certificate, now);
  return { spki: spkiOf(certificate), key: certificate.x509.publicKey };
}

/** Checks that a certificate is this role's intermediate under the root, over exactly this key. Throws {@link PkiError}. */
export function verifyIntermediate(q: Omit<IdentityQuestion, "chain"> & { readonly certificate: Uint8Array }): Identity {
  const root = parse(q.root);
  const intermediate = parse(q.certificate);
  checkIssued(intermediate, root);
  for (const certificate of [root, intermediate]) checkTime(certificate, q.now);
  checkIssuer(root, null);
  checkIssuer(intermediate, { role: q.role, cluster: q.cluster });
  return identityOf(intermediate, q.role);
}

function parse(data: string | Uint8Array): Parsed {
  if (data.length > MAX_CERTIFICATE_BYTES) throw new PkiError("BAD_CERTIFICATE", `certificate of ${data.length} bytes, at most ${MAX_CERTIFICATE_BYTES} are taken`);
  let parsed: Parsed;
  try {
    const x509 = new X509Certificate(data);
    parsed = { x509, asn: parseCertificate(new Uint8Array(x509.raw)) };
  } catch (cause) {
    throw new PkiError("BAD_CERTIFICATE", "not an X.509 certificate", { cause });
  }
  const key = parsed.x509.publicKey;
  if (key.asymmetricKeyType !== "ec" || key.asymmetricKeyDetails?.namedCurve !== "prime256v1") {
    throw new PkiError("WRONG_KEY", "certificates of kubedos identities hold P-256 keys");
  }
  const seen = new Set<string>();
  for (const { id, critical } of parsed.asn.extensions) {
    if (seen.has(id)) throw new PkiError("BAD_CERTIFICATE", `extension ${id} occurs twice`);
    seen.add(id);
    if (critical && !KNOWN_EXTENSIONS.includes(id)) throw new PkiError("UNKNOWN_CRITICAL", `unknown critical extension ${id}`);
  }
  return parsed;
}

function checkIssued(certificate: Parsed, issuer: Parsed): void {
  if (!certificate.x509.checkIssued(issuer.x509) || !certificate.x509.verify(issuer.x509.publicKey)) {
    throw new PkiError("WRONG_ISSUER", `"${certificate.x509.subject}" was not issued by "${issuer.x509.subject}"`);
  }
}

function checkTime(certificate: Parsed, now: Date): void {
  const { notBefore, notAfter } = certificate.asn;
  if (now < notBefore) throw new PkiError("NOT_YET_VALID", `"${certificate.x509.subject}" is valid from ${notBefore.toISOString()}`);
  if (now > notAfter) throw new PkiError("EXPIRED", `"${certificate.x509.subject}" expired at ${notAfter.toISOString()}`);
}

/** `for` is null for the root, which may have intermediates of any role. */
function checkIssuer(certificate: Parsed, constrained: { readonly role: PkiRole; readonly cluster: string } | null): void {
  const basic = extension(certificate, EXTENSION.basicConstraints, readBasicConstraints);
  const usage = extension(certificate, EXTENSION.keyUsage, readKeyUsage);
  const pathLength = constrained === null ? 1 : 0;
  if (basic?.ca !== true || basic.pathLength !== pathLength || usage?.length !== 1 || usage[0] !== CERT_SIGN) {
    throw new PkiError("NOT_A_CA", `"${certificate.x509.subject}" may not issue here`);
  }
  if (constrained === null) return;
  const host = identityHost(constrained.role, constrained.cluster);
  if (extension(certificate, EXTENSION.nameConstraints, readPermittedUri) !== host) {
    throw new PkiError("WRONG_CONSTRAINT", `"${certificate.x509.subject}" is not constrained to ${host}`);
  }
}

function leafSubject(leaf: Parsed, role: PkiRole, cluster: string): Subject {
  if (extension(leaf, EXTENSION.basicConstraints, readBasicConstraints)?.ca !== false) {
    throw new PkiError("WRONG_USAGE", "a leaf must say that it is no CA");
  }
  const usage = extension(leaf, EXTENSION.extKeyUsage, readExtKeyUsage);
  const wanted = role === "hub" ? SERVER_AUTH : CLIENT_AUTH;
  if (usage?.length !== 1 || usage[0] !== wanted) throw new PkiError("WRONG_USAGE", `the certificate is not for a ${role}`);
  const uri = extension(leaf, EXTENSION.subjectAltName, readOnlyUri) ?? null;
  const subject = uri === null ? null : subjectOf(uri, role, cluster);
  if (subject === null || !dnsLabel.safeParse(subject.name).success) {
    const wanted = identityUri(cluster, role === "operator" ? { role, operatorRole: "approver", name: "NAME" } : { role, name: "NAME" });
    throw new PkiError("WRONG_NAME", `the certificate's name is ${JSON.stringify(uri)}, wanted one like ${wanted}`);
  }
  return subject;
}

/** What an extension says; undefined where it isn't there. */
function extension<T>(certificate: Parsed, id: string, read: (value: Uint8Array) => T): T | undefined {
  const found = certificate.asn.extensions.find((e) => e.id === id);
  if (found === undefined) return undefined;
  try {
    return read(found.value);
  } catch (cause) {
    throw new PkiError("BAD_CERTIFICATE", `extension ${id} is malformed`, { cause });
  }
}

function spkiOf(certificate: Parsed): Uint8Array {
  return new Uint8Array(certificate.x509.publicKey.export({ type: "spki", format: "der" }));
}
