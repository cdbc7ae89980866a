import "reflect-metadata";
import * as x509 from "@peculiar/x509";
import type { KeyObject } from "node:crypto";
import { createCertificate, publicKeyOf, type RemoteKey, spkiOf } from "../../proto/pki/create-certificate.ts";

/** A self-signed certificate for PK, KEK or db. */
export interface FirmwareCertificateRequest {
  readonly commonName: string;
  /** RSA-2048: what every UEFI firmware takes. */
  readonly key: KeyObject | RemoteKey;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** Hex, positive. */
  readonly serial: string;
}

/** X.509 v3, RSA with SHA-256, for signatures alone. DER. */
export async function makeFirmwareCertificate(request: FirmwareCertificateRequest): Promise<Uint8Array> {
  const { commonName, key, notBefore, notAfter, serial } = request;
  const subjectKey = publicKeyOf(key);
  const extensions = [
    new x509.BasicConstraintsExtension(false, undefined, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
    await x509.SubjectKeyIdentifierExtension.create(new x509.PublicKey(spkiOf(subjectKey))),
  ];
  const name = `CN=${commonName}`;
  return await createCertificate({ subject: name, issuer: name, subjectKey, notBefore, notAfter, serial, extensions }, key);
}
