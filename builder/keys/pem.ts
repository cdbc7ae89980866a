import { X509Certificate } from "node:crypto";

/** DER certificate → PEM (RFC 7468), with a newline at the end. */
export function certificatePem(der: Uint8Array): string {
  return new X509Certificate(der).toString();
}
