import { dirname } from "node:path";
import type { Toolchain } from "../toolchain/ensure-toolchain.ts";
import { runTool } from "../toolchain/run-tool.ts";

/** OVMF with SMM and Secure Boot, and the empty variable store for it, in the toolchain tree. */
export const OVMF_CODE = "/usr/share/OVMF/OVMF_CODE_4M.secboot.fd";
/** See {@link OVMF_CODE}. */
export const OVMF_VARS = "/usr/share/OVMF/OVMF_VARS_4M.fd";

/**
 * The one entry that virt-fw-vars puts into dbx by itself, as the variable's bytes: EFI_SIGNATURE_LIST of type
 * EFI_CERT_SHA256_GUID with one signature, SHA-256 of nothing. Without it a prediction of PCR 7 is wrong. See
 * UEFI 2.10, 32.4.1 for the list's layout.
 */
export const DUMMY_DBX: Uint8Array = Uint8Array.from(
  Buffer.from(
    "2616c4c14c509240aca941f936934328" + // EFI_CERT_SHA256_GUID
      "4c000000" + "00000000" + "30000000" + // list size 76, header size 0, signature size 48
      "a3a8baa01d04a848bc87c36d121b5e3d" + // owner
      "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "hex",
  ),
);

/** Who may say what boots. PEM files; the store gets exactly these. */
export interface SecureBootKeys {
  readonly pk: string;
  readonly kek: string;
  readonly db: string;
  /** SignatureOwner GUID of every entry, in its text form. */
  readonly ownerGuid: string;
}

/** Writes OVMF's variable store with our keys enrolled and Secure Boot on, before the first instruction. Throws ToolError. */
export async function prepareVars(tc: Toolchain, keys: SecureBootKeys & { readonly out: string }): Promise<void> {
  const { pk, kek, db, ownerGuid, out } = keys;
  await runTool(
    tc,
    ["virt-fw-vars", "-i", OVMF_VARS, "-o", out, "--set-pk", ownerGuid, pk, "--add-kek", ownerGuid, kek, "--add-db", ownerGuid, db, "--sb"],
    { binds: [dirname(out)], readBinds: [pk, kek, db] },
  );
}
