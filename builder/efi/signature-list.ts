import { ByteWriter } from "../../proto/wire/writer.ts";
import { guidBytes } from "./guid.ts";

const CERT_X509 = guidBytes("a5c059a1-94e4-4aa7-87b5-ab155c2bf072");
const CERT_SHA256 = guidBytes("c1c41626-504c-4092-aca9-41f936934328");

/** EFI_SIGNATURE_LIST with one certificate (DER). `owner` is a GUID's 16 bytes. */
export function certificateList(owner: Uint8Array, certificate: Uint8Array): Uint8Array {
  return signatureList(CERT_X509, owner, certificate);
}

/** EFI_SIGNATURE_LIST with one SHA-256 digest of an image. */
export function digestList(owner: Uint8Array, digest: Uint8Array): Uint8Array {
  return signatureList(CERT_SHA256, owner, digest);
}

/** One entry (UEFI 2.10 §32.4.1, little-endian): type, total size, header size 0, entry size, owner, data. */
function signatureList(type: Uint8Array, owner: Uint8Array, data: Uint8Array): Uint8Array {
  const entry = owner.length + data.length;
  return new ByteWriter().bytes(type).u32le(28 + entry).u32le(0).u32le(entry).bytes(owner).bytes(data).done();
}
