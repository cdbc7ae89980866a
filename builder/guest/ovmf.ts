/** OVMF with SMM and Secure Boot in the toolchain tree; its variable stores are those of builder/efi/variable-store.ts. */
export const OVMF_CODE = "/usr/share/OVMF/OVMF_CODE_4M.secboot.fd";
/** A variable store without any variable, as it comes with {@link OVMF_CODE}: whoever comes first enrols his keys. */
export const OVMF_VARS = "/usr/share/OVMF/OVMF_VARS_4M.fd";
