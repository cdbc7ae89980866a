import { fromBase64, toBase64 } from "../wire/base64.ts";
import { PkiError } from "./error.ts";

/** DER certificates → PEM text, in the same order (RFC 7468). */
export function certificatesToPem(...chain: readonly Uint8Array[]): string {
  return chain
    .map((der) => `-----BEGIN CERTIFICATE-----\n${toBase64(der).match(/.{1,64}/g)?.join("\n")}\n-----END CERTIFICATE-----\n`)
    .join("");
}

/** PEM text with certificates and nothing else → DER, in the same order, at most four. Throws {@link PkiError}. */
export function certificatesFromPem(text: string): readonly Uint8Array[] {
  const blocks = [...text.matchAll(/-----BEGIN CERTIFICATE-----\n([A-Za-z0-9+/=\n]+)-----END CERTIFICATE-----\n?/g)];
  const used = blocks.reduce((n, block) => n + block[0].length, 0);
  if (blocks.length === 0 || blocks.length > 4 || used !== text.length) {
    throw new PkiError("BAD_CERTIFICATE", "not one to four PEM certificates");
  }
  return blocks.map((block) => fromBase64((block[1] ?? "").replaceAll("\n", "")));
}
