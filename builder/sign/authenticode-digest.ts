import { createHash } from "node:crypto";
import type { PeImage } from "../pe/parse.ts";

/**
 * Authenticode SHA-256 of an image: what firmware compares with the signature and extends into PCR 4. Headers without
 * CheckSum and the certificate table's entry, then the sections in the order of the file, then what stands behind them
 * up to the certificates (Authenticode_PE.docx "Calculating the PE Image Hash"; edk2 DxeImageVerificationLib HashPeImage).
 */
export function authenticodeDigest(image: PeImage): Uint8Array {
  const { file, checksumOffset, securityEntryOffset, sizeOfHeaders, certificates } = image;
  const hash = createHash("sha256");
  hash.update(file.subarray(0, checksumOffset));
  hash.update(file.subarray(checksumOffset + 4, securityEntryOffset));
  hash.update(file.subarray(securityEntryOffset + 8, sizeOfHeaders));
  let hashed = sizeOfHeaders;
  for (const s of [...image.sections].sort((a, b) => a.rawOffset - b.rawOffset)) {
    if (s.rawSize === 0) continue;
    hash.update(file.subarray(s.rawOffset, s.rawOffset + s.rawSize));
    hashed += s.rawSize;
  }
  // Both define the rest by the number of bytes hashed so far, not by where the last section ends.
  hash.update(file.subarray(hashed, file.length - certificates.size));
  return new Uint8Array(hash.digest());
}
