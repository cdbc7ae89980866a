import { peChecksum } from "../pe/checksum.ts";
import { PeError } from "../pe/error.ts";
import { parsePe } from "../pe/parse.ts";

/** WIN_CERTIFICATE: header size, wRevision 2.0, wCertificateType PKCS_SIGNED_DATA. */
const WIN_CERTIFICATE_BYTES = 8;
const REVISION_2 = 0x0200;
const PKCS_SIGNED_DATA = 0x0002;

/** An unsigned PE image, a multiple of 8 bytes long, and its PKCS#7 signature → the signed image. Throws {@link PeError}. */
export function embedSignature(file: Uint8Array, pkcs7: Uint8Array): Uint8Array {
  const image = parsePe(file);
  if (image.certificates.size !== 0) throw new PeError("SIGNED", "the image is signed already");
  if (file.length % 8 !== 0) throw new PeError("BAD_LAYOUT", "the image's length is no multiple of 8");
  const length = WIN_CERTIFICATE_BYTES + pkcs7.length;
  const size = Math.ceil(length / 8) * 8;
  const signed = new Uint8Array(file.length + size);
  signed.set(file);
  signed.set(pkcs7, file.length + WIN_CERTIFICATE_BYTES);
  const view = new DataView(signed.buffer);
  view.setUint32(file.length, length, true);
  view.setUint16(file.length + 4, REVISION_2, true);
  view.setUint16(file.length + 6, PKCS_SIGNED_DATA, true);
  view.setUint32(image.securityEntryOffset, file.length, true);
  view.setUint32(image.securityEntryOffset + 4, size, true);
  view.setUint32(image.checksumOffset, peChecksum(signed, image.checksumOffset), true);
  return signed;
}
