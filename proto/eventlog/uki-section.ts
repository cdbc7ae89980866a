import { sha256, utf8 } from "../wire/bytes.ts";

/** Sections of a unified kernel image that systemd-stub measures into PCR 11, in words. */
const SECTIONS: Readonly<Record<string, string>> = {
  ".linux": "the kernel",
  ".osrel": "the OS release text",
  ".cmdline": "the kernel command line",
  ".initrd": "the initrd",
  ".ucode": "the CPU microcode",
  ".splash": "the boot picture",
  ".dtb": "the device tree",
  ".uname": "the kernel's version text",
  ".sbat": "the boot revocation table",
  ".pcrpkey": "the key of the PCR signatures",
  ".profile": "the boot profile",
  ".dtbauto": "the choice of device trees",
  ".hwids": "the hardware identifiers",
  ".efifw": "the firmware blobs",
};

/** Events of a section are two: its name with NUL, then its content (systemd src/boot/stub.c). */
export function describeUkiSection(name: string, digest: Uint8Array | null): string {
  const words = SECTIONS[name];
  const section = words === undefined ? `UKI section ${name}` : `UKI section ${name} (${words})`;
  if (digest === null) return section;
  const isName = Buffer.compare(sha256(utf8(`${name}\0`)), digest) === 0;
  return `${isName ? "name" : "content"} of ${section}`;
}
