import type { ExpectedEvent } from "../../proto/release/release.ts";
import { concatBytes, sha256 } from "../../proto/wire/bytes.ts";
import { ByteWriter } from "../../proto/wire/writer.ts";
import { guidBytes } from "../efi/guid.ts";
import { event } from "./event.ts";
import { SEPARATOR } from "./pcr4.ts";

/** The certificates (DER) in a machine's variable store, and who owns them. */
export interface SecureBootKeys {
  readonly pk: Uint8Array;
  readonly kek: Uint8Array;
  readonly db: Uint8Array;
  /** SignatureOwner of all three, as a GUID's text. */
  readonly owner: string;
}

const GLOBAL = guidBytes("8be4df61-93ca-11d2-aa0d-00e098032b8c");
const IMAGE_SECURITY = guidBytes("d719b2cb-3d3a-4596-a3bc-dad00e67656f");
const CERT_X509 = guidBytes("a5c059a1-94e4-4aa7-87b5-ab155c2bf072");
const CERT_SHA256 = guidBytes("c1c41626-504c-4092-aca9-41f936934328");
/** Who virt-fw-vars names as the owner of the entry that it puts into an otherwise empty dbx. */
const DUMMY_OWNER = guidBytes("a0baa8a3-041d-48a8-bc87-c36d121b5e3d");

/**
 * PCR 7 of a machine whose variable store has these keys and the dbx of virt-fw-vars: one entry that forbids the empty
 * file, without which dbx would be absent and measured as empty. Secure Boot is on, and db's certificate verified the
 * one image that was started (TCG PC Client PFP §3.3.4.8; edk2 Tcg2Dxe).
 */
export function expectPcr7(keys: SecureBootKeys): readonly ExpectedEvent[] {
  const owner = guidBytes(keys.owner);
  const certificate = (der: Uint8Array) => signatureList(CERT_X509, owner, der);
  const config = (vendor: Uint8Array, name: string, data: Uint8Array, what: string) =>
    event("EV_EFI_VARIABLE_DRIVER_CONFIG", variableData(vendor, name, data), what);
  return [
    config(GLOBAL, "SecureBoot", Uint8Array.of(1), "Secure Boot is on"),
    config(GLOBAL, "PK", certificate(keys.pk), "the cluster's platform key"),
    config(GLOBAL, "KEK", certificate(keys.kek), "the cluster's key exchange key"),
    config(IMAGE_SECURITY, "db", certificate(keys.db), "the cluster's signature database"),
    config(IMAGE_SECURITY, "dbx", signatureList(CERT_SHA256, DUMMY_OWNER, sha256()), "forbidden signatures: the empty file alone"),
    event("EV_SEPARATOR", SEPARATOR, "end of the Secure Boot policy"),
    event("EV_EFI_VARIABLE_AUTHORITY", variableData(IMAGE_SECURITY, "db", concatBytes(owner, keys.db)), "the db certificate that verified the UKI"),
  ];
}

/** UEFI_VARIABLE_DATA: vendor GUID, lengths of name (in characters) and data as u64, name in UTF-16LE without NUL, data. */
function variableData(vendor: Uint8Array, name: string, data: Uint8Array): Uint8Array {
  const utf16 = new Uint8Array(Buffer.from(name, "utf16le"));
  return new ByteWriter().bytes(vendor).u64le(BigInt(name.length)).u64le(BigInt(data.length)).bytes(utf16).bytes(data).done();
}

/** EFI_SIGNATURE_LIST with one entry (UEFI §32.4.1): type, total size, header size 0, entry size, owner, data. */
function signatureList(type: Uint8Array, owner: Uint8Array, data: Uint8Array): Uint8Array {
  const entry = owner.length + data.length;
  return new ByteWriter().bytes(type).u32le(28 + entry).u32le(0).u32le(entry).bytes(owner).bytes(data).done();
}
