/**
 * Sections of a UKI in the order in which systemd-stub 257 measures them, which is not their order in the file
 * (systemd src/fundamental/uki.c). `.pcrsig` is never measured. What isn't listed is neither measured nor read by the stub.
 */
export const MEASURED_SECTIONS: readonly string[] = [
  ".linux",
  ".osrel",
  ".cmdline",
  ".initrd",
  ".ucode",
  ".splash",
  ".dtb",
  ".uname",
  ".sbat",
  ".pcrpkey",
  ".profile",
  ".dtbauto",
  ".hwids",
];
