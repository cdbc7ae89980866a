import { guidBytes } from "./guid.ts";

/** Vendor GUIDs of the variables of Secure Boot, as bytes (UEFI 2.10 §3.3, §32.6.1; edk2 MdeModulePkg and SecurityPkg). */
export const VENDOR = {
  /** EFI_GLOBAL_VARIABLE: PK, KEK, SecureBoot. */
  global: guidBytes("8be4df61-93ca-11d2-aa0d-00e098032b8c"),
  /** EFI_IMAGE_SECURITY_DATABASE_GUID: db, dbx. */
  imageSecurity: guidBytes("d719b2cb-3d3a-4596-a3bc-dad00e67656f"),
  /** gEfiSecureBootEnableDisableGuid: edk2's own switch. */
  secureBootEnable: guidBytes("f0a30bc7-af08-4556-99c4-001009c93a44"),
  /** gEfiCustomModeEnableGuid: whether somebody at the console may change keys without a signature. */
  customMode: guidBytes("c076ec0c-7028-4399-a072-71ee5c448b9f"),
} as const;
