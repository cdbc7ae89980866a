import "reflect-metadata";
import type { KeyObject } from "node:crypto";
import { AsnConvert } from "@peculiar/asn1-schema";
import { GeneralName, GeneralSubtree, GeneralSubtrees, id_ce_nameConstraints, NameConstraints } from "@peculiar/asn1-x509";
import * as x509 from "@peculiar/x509";
import { toHex } from "../wire/hex.ts";
import { createCertificate, publicKeyOf, type RemoteKey, spkiOf } from "./create-certificate.ts";
import { identityHost, identityUri, type PkiRole, type Subject } from "./names.ts";

const SERVER_AUTH = "1.3.6.1.5.5.7.3.1";
const CLIENT_AUTH = "1.3.6.1.5.5.7.3.2";

/** What every certificate needs; keys are P-256. The caller brings time and randomness, so issuing is a function. */
export interface IssueOptions {
  readonly subjectKey: KeyObject;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** 16 random bytes, or bytes derived from the inputs where the result must be reproducible. */
  readonly serial: Uint8Array;
}

/** Who signs: the issuer's certificate (DER) and private key. */
export interface Issuer {
  readonly certificate: Uint8Array;
  readonly key: KeyObject | RemoteKey;
}

/** The cluster's root: self-signed, may issue intermediates only (path length 1). DER. */
export async function issueRoot(options: IssueOptions & { readonly cluster: string; readonly key: KeyObject | RemoteKey }): Promise<Uint8Array> {
  const name = `CN=kubedos root ${options.cluster}`;
  return await create(options, name, { name, key: options.key }, [
    new x509.BasicConstraintsExtension(true, 1, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
  ]);
}

/** An intermediate that can issue leaves of one role in one cluster and nothing else, by name constraint. DER. */
export async function issueIntermediate(
  options: IssueOptions & { readonly cluster: string; readonly role: PkiRole; readonly issuer: Issuer },
): Promise<Uint8Array> {
  const subtree = new GeneralSubtree({
    base: new GeneralName({ uniformResourceIdentifier: identityHost(options.role, options.cluster) }),
  });
  const constraints = new NameConstraints({ permittedSubtrees: new GeneralSubtrees([subtree]) });
  return await create(options, `CN=kubedos ${options.role} issuer ${options.cluster}`, signer(options.issuer), [
    new x509.BasicConstraintsExtension(true, 0, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
    new x509.Extension(id_ce_nameConstraints, true, AsnConvert.serialize(constraints)),
  ]);
}

/** An identity: its URI is the only name, its usage follows from the role (hub serves, node and operator dial). DER. */
export async function issueLeaf(
  options: IssueOptions & Subject & { readonly cluster: string; readonly issuer: Issuer },
): Promise<Uint8Array> {
  const uri = identityUri(options.cluster, options);
  return await create(options, `CN=${options.name}`, signer(options.issuer), [
    new x509.BasicConstraintsExtension(false, undefined, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
    new x509.ExtendedKeyUsageExtension([options.role === "hub" ? SERVER_AUTH : CLIENT_AUTH], true),
    new x509.SubjectAlternativeNameExtension([{ type: "url", value: uri }], true),
  ]);
}

interface Signer {
  readonly name: string;
  readonly key: KeyObject | RemoteKey;
}

function signer(issuer: Issuer): Signer {
  return { name: new x509.X509Certificate(buffer(issuer.certificate)).subject, key: issuer.key };
}

async function create(options: IssueOptions, subject: string, by: Signer, extensions: readonly x509.Extension[]): Promise<Uint8Array> {
  const identifiers = [
    await x509.SubjectKeyIdentifierExtension.create(new x509.PublicKey(spkiOf(options.subjectKey))),
    await x509.AuthorityKeyIdentifierExtension.create(new x509.PublicKey(spkiOf(publicKeyOf(by.key)))),
  ];
  const { subjectKey, notBefore, notAfter } = options;
  const contents = { subject, issuer: by.name, subjectKey, notBefore, notAfter, serial: toHex(positive(options.serial)), extensions: [...extensions, ...identifiers] };
  return await createCertificate(contents, by.key);
}

/** DER INTEGERs are signed: the top bit must be clear for the serial to be positive (RFC 5280 §4.1.2.2). */
function positive(serial: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(serial);
  copy[0] = ((copy[0] ?? 0) & 0x3f) | 0x40;
  return copy;
}

function buffer(data: Uint8Array): ArrayBuffer {
  return Uint8Array.from(data).buffer;
}
