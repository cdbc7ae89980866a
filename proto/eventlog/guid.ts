import type { ByteReader } from "../wire/reader.ts";
import { toHex } from "../wire/hex.ts";

/** EFI_GLOBAL_VARIABLE: SecureBoot, PK, KEK, BootOrder … (UEFI 2.10, 3.3). */
export const EFI_GLOBAL_GUID = "8be4df61-93ca-11d2-aa0d-00e098032b8c";

/** EFI_IMAGE_SECURITY_DATABASE: db, dbx, dbt, dbr (UEFI 2.10, 32.6.1). */
export const EFI_IMAGE_SECURITY_GUID = "d719b2cb-3d3a-4596-a3bc-dad00e67656f";

/** Sixteen bytes of an EFI_GUID (mixed-endian: UEFI 2.10, appendix A) as text in lower case. */
export function readGuid(r: ByteReader): string {
  const a = r.u32le().toString(16).padStart(8, "0");
  const b = r.u16le().toString(16).padStart(4, "0");
  const c = r.u16le().toString(16).padStart(4, "0");
  return `${a}-${b}-${c}-${toHex(r.bytes(2))}-${toHex(r.bytes(6))}`;
}
