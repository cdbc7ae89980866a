import "reflect-metadata";
import { createPublicKey, type KeyObject, webcrypto } from "node:crypto";
import * as x509 from "@peculiar/x509";

const RSA = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" } as const;

/** A self-signed certificate for PK, KEK or db. */
export interface FirmwareCertificateRequest {
  readonly commonName: string;
  /** RSA-2048: what every UEFI firmware takes. */
  readonly key: KeyObject;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** Hex, positive. */
  readonly serial: string;
}

/** X.509 v3, RSA with SHA-256, for signatures alone. DER. */
export async function makeFirmwareCertificate(request: FirmwareCertificateRequest): Promise<Uint8Array> {
  const pkcs8 = request.key.export({ type: "pkcs8", format: "der" });
  const spki = createPublicKey(request.key).export({ type: "spki", format: "der" });
  const signingKey = await webcrypto.subtle.importKey("pkcs8", pkcs8, RSA, false, ["sign"]);
  const publicKey = new x509.PublicKey(spki);
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: request.serial,
    subject: `CN=${request.commonName}`,
    issuer: `CN=${request.commonName}`,
    notBefore: request.notBefore,
    notAfter: request.notAfter,
    publicKey,
    signingKey,
    signingAlgorithm: RSA,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      await x509.SubjectKeyIdentifierExtension.create(publicKey),
    ],
  });
  return new Uint8Array(certificate.rawData);
}
