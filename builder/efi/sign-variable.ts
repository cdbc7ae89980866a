import { ByteWriter } from "../../proto/wire/writer.ts";
import { objectId, sequence } from "../../proto/wire/der.ts";
import type { PrivateKey } from "../keys/private-key.ts";
import { signedData } from "../sign/pkcs7.ts";
import { guidBytes } from "./guid.ts";
import { type EfiVariable, efiTime, utf16 } from "./variable.ts";

const DATA = "1.2.840.113549.1.7.1";
const CERT_TYPE_PKCS7 = guidBytes("4aafd29d-68df-49ee-8aa9-347d375665a7");
const REVISION_2 = 0x0200;
/** WIN_CERT_TYPE_EFI_GUID. */
const EFI_GUID = 0x0ef1;
/** WIN_CERTIFICATE_UEFI_GUID without CertData. */
const CERTIFICATE_HEADER_BYTES = 24;

/**
 * A signed update of a variable, as a `.auth` file holds it and SetVariable takes it: EFI_VARIABLE_AUTHENTICATION_2, then the
 * new contents (UEFI 2.10 §8.2.2). `key` is RSA and belongs to `certificate` (DER), which firmware must find one step above:
 * PK for PK and KEK, KEK for db and dbx. The variable has a time, and the update is as old: firmware takes only newer ones
 * than it holds. The same inputs give the same bytes. Throws RangeError.
 */
export async function signVariable(variable: EfiVariable, key: PrivateKey, certificate: Uint8Array): Promise<Uint8Array> {
  const { name, vendor, attributes, time, data } = variable;
  if (time === undefined) throw new RangeError(`${name} takes no signed update`);
  const message = new ByteWriter().bytes(utf16(name)).bytes(vendor).u32le(attributes).bytes(efiTime(time)).bytes(data).done();
  // Bare SignedData without attributes: edk2 of old looks for the digest's algorithm at a fixed offset, and all others take it too.
  const signature = await signedData({ content: sequence(objectId(DATA)), message, key, certificate });
  return new ByteWriter()
    .bytes(efiTime(time))
    .u32le(CERTIFICATE_HEADER_BYTES + signature.length)
    .u16le(REVISION_2)
    .u16le(EFI_GUID)
    .bytes(CERT_TYPE_PKCS7)
    .bytes(signature)
    .bytes(data)
    .done();
}
