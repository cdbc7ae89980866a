import type { ExpectedEvent } from "../../proto/release/release.ts";
import { concatBytes } from "../../proto/wire/bytes.ts";
import { ByteWriter } from "../../proto/wire/writer.ts";
import { guidBytes } from "../efi/guid.ts";
import { type SecureBootKeys, secureBootVariables } from "../efi/secure-boot-variables.ts";
import { type EfiVariable, utf16 } from "../efi/variable.ts";
import { VENDOR } from "../efi/vendors.ts";
import { event } from "./event.ts";
import { SEPARATOR } from "./pcr4.ts";

/**
 * PCR 7 of a machine whose variable store has these keys as makeVariableStore writes them. Secure Boot is on, and db's
 * certificate verified the one image that was started (TCG PC Client PFP §3.3.4.8; edk2 Tcg2Dxe).
 */
export function expectPcr7(keys: SecureBootKeys): readonly ExpectedEvent[] {
  const { pk, kek, db, dbx } = secureBootVariables(keys);
  const config = (variable: Measured, what: string) => event("EV_EFI_VARIABLE_DRIVER_CONFIG", variableData(variable), what);
  const authority: Measured = { ...db, data: concatBytes(guidBytes(keys.owner), keys.db) };
  return [
    config({ vendor: VENDOR.global, name: "SecureBoot", data: Uint8Array.of(1) }, "Secure Boot is on"),
    config(pk, "the cluster's platform key"),
    config(kek, "the cluster's key exchange key"),
    config(db, "the cluster's signature database"),
    config(dbx, "forbidden signatures: the empty file alone"),
    event("EV_SEPARATOR", SEPARATOR, "end of the Secure Boot policy"),
    event("EV_EFI_VARIABLE_AUTHORITY", variableData(authority), "the db certificate that verified the UKI"),
  ];
}

type Measured = Pick<EfiVariable, "vendor" | "name" | "data">;

/** UEFI_VARIABLE_DATA: vendor GUID, lengths of name (in characters) and data as u64, name in UTF-16LE without NUL, data. */
function variableData({ vendor, name, data }: Measured): Uint8Array {
  return new ByteWriter().bytes(vendor).u64le(BigInt(name.length)).u64le(BigInt(data.length)).bytes(utf16(name)).bytes(data).done();
}
