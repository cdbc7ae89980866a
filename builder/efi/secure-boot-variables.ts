import { X509Certificate } from "node:crypto";
import { sha256 } from "../../proto/wire/bytes.ts";
import { guidBytes } from "./guid.ts";
import { certificateList, digestList } from "./signature-list.ts";
import { AUTHENTICATED, type EfiVariable, SETTING } from "./variable.ts";
import { VENDOR } from "./vendors.ts";

/** The certificates (DER) in a machine's variable store, and who owns them. */
export interface SecureBootKeys {
  readonly pk: Uint8Array;
  readonly kek: Uint8Array;
  readonly db: Uint8Array;
  /** SignatureOwner of all three, as a GUID's text. */
  readonly owner: string;
}

/** gOvmfEnrollDefaultKeysGuid: whom edk2 and virt-fw-vars name as the owner of a dbx that forbids nothing. */
const NOBODY = guidBytes("a0baa8a3-041d-48a8-bc87-c36d121b5e3d");
/** Older than any update of dbx. */
const DBX_TIME = new Date("2010-01-01T00:00:00Z");

/** The four variables that decide what boots. */
export interface SecureBootVariables {
  readonly pk: EfiVariable;
  readonly kek: EfiVariable;
  readonly db: EfiVariable;
  readonly dbx: EfiVariable;
}

/**
 * PK, KEK, db and dbx of a machine of ours: both the variable store and the prediction of PCR 7 are made from these bytes.
 * A variable is as old as its certificate, so the store needs no clock and a later key's update is always newer (UEFI
 * 2.10 §8.2.2). dbx forbids the empty file, which no machine can start: a dbx that is there is what firmware vendors
 * test with, and every update from then on is an append; and the boots that were recorded hold it.
 */
export function secureBootVariables(keys: SecureBootKeys): SecureBootVariables {
  const owner = guidBytes(keys.owner);
  const holding = (name: string, vendor: Uint8Array, certificate: Uint8Array): EfiVariable => ({
    name,
    vendor,
    attributes: AUTHENTICATED,
    time: new X509Certificate(certificate).validFromDate,
    data: certificateList(owner, certificate),
  });
  return {
    pk: holding("PK", VENDOR.global, keys.pk),
    kek: holding("KEK", VENDOR.global, keys.kek),
    db: holding("db", VENDOR.imageSecurity, keys.db),
    dbx: { name: "dbx", vendor: VENDOR.imageSecurity, attributes: AUTHENTICATED, time: DBX_TIME, data: digestList(NOBODY, sha256()) },
  };
}

/** edk2's own settings: Secure Boot is on, and nobody at the console changes keys without a signature. */
export const SECURE_BOOT_SETTINGS: readonly EfiVariable[] = [
  { name: "CustomMode", vendor: VENDOR.customMode, attributes: SETTING, data: Uint8Array.of(0) },
  { name: "SecureBootEnable", vendor: VENDOR.secureBootEnable, attributes: SETTING, data: Uint8Array.of(1) },
];
