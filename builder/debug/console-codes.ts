/** Why a boot stopped, as a guest's serial console shows it: what it is, what usually causes it, what to do next. */
export interface ConsoleCodeText {
  readonly text: string;
  readonly cause: string;
  readonly next: string;
}

/**
 * Every answer of `kubedos-build debug`, in the order in which they are looked for: what stopped a boot first and most certainly stands
 * first. A code never changes its meaning. The guest writes its own console, so nothing is decided by it: it is for people.
 */
export const CONSOLE_CODES = {
  FIRMWARE_REFUSED_IMAGE: {
    text: "Firmware refused to start the boot image: no certificate in db allows it, or dbx forbids it.",
    cause: "The image isn't signed, is signed with another cluster's key, or was changed after it was signed.",
    next: "stamp the machine again from the release, and compare its variable store's db with the release's keys/db.crt",
  },
  VERITY_CORRUPT: {
    text: "A block of the root file system, or of its hash tree, isn't the sealed one; the kernel stopped at once.",
    cause: "The disk was changed after the build, or it is failing.",
    next: "stamp the machine again from the release; if it repeats, replace the disk",
  },
  INIT_COMMAND_LINE: {
    text: "Init found another command line than the one sealed in its initrd, and switched the machine off.",
    cause: "Somebody appended words by SMBIOS or an add-on, or put another command line into the image.",
    next: "look at the machine's SMBIOS strings and at the ESP, then stamp it again",
  },
  INIT_NO_TPM: {
    text: "Init found no TPM 2.0 that takes a measurement, and switched the machine off.",
    cause: "The machine has no TPM, it is switched off, or it has no bank for PCR 11.",
    next: "add a TPM 2.0 (QEMU: -tpmdev, -device tpm-crb), or switch it on in the firmware's setup",
  },
  INIT_NO_ROOT: {
    text: "Init found no disk with the partitions that the sealed root hash names, and switched the machine off.",
    cause: "The disk isn't attached, is another image's, or lost its partition table; or the kernel has no driver for its controller.",
    next: "attach the disk that the release made for this role",
  },
  INIT_VERITY: {
    text: "Init couldn't set up dm-verity on the root file system, and switched the machine off.",
    cause: "The root partition is smaller than the sealed one, or the kernel lacks what dm-verity needs.",
    next: "stamp the machine again from the release",
  },
  INIT_MOUNT: {
    text: "Init couldn't mount a file system that a boot needs, and switched the machine off.",
    cause: "The root file system can't be read, or the machine has too little memory.",
    next: "compare the machine's memory with what its role needs, then stamp it again",
  },
  INIT_FAILED: {
    text: "Init met an error that it can't go on after, and switched the machine off.",
    cause: "The line says what; init checks everything before it goes on, and holds no shell.",
    next: "report it with the line",
  },
  KERNEL_PANIC: {
    text: "The kernel stopped.",
    cause: "Too little memory, a damaged image, or a fault in the kernel; the line says what.",
    next: "compare the machine's memory with what its role needs, then stamp it again",
  },
  AGENT_FAILED: {
    text: "The agent's first steps failed; it told the TPM and switched the machine off.",
    cause: "The line has the step's own code and words.",
    next: "look at the machine's TPM and at its firmware's settings, then at the lines before this one: kubedos-build debug qemu/NODE log",
  },
  AGENT_SPOKE: {
    text: "The machine booted and its agent runs; what it last said is shown.",
    cause: "This is no failed boot. Whether the machine may come in is the hub's word.",
    next: "kubedos-hub explain NODE",
  },
  NO_BOOTABLE_IMAGE: {
    text: "Firmware found nothing to boot.",
    cause: "No disk is attached, its ESP has no \\EFI\\BOOT\\BOOTX64.EFI, or that file is no EFI program.",
    next: "attach the disk that the release made for this role",
  },
  POWERED_OFF: {
    text: "The machine switched itself off and didn't say why.",
    cause: "Something in it asked for it before anything could be written to the console.",
    next: "look at the rest of the log",
  },
  KERNEL_SILENT: {
    text: "Firmware started the boot image, and nothing has been written since.",
    cause: "It is still starting, hangs, or writes to another console.",
    next: "wait a moment and look again; under TCG the kernel's first words take half a minute",
  },
  FIRMWARE_SILENT: {
    text: "Firmware was still at work, or stopped, before it started anything.",
    cause: "The machine was switched on a moment ago, or its firmware waits for something.",
    next: "wait a moment and look again",
  },
  CONSOLE_EMPTY: {
    text: "Nothing was ever written to this console.",
    cause: "The machine was never started, or its serial port leads elsewhere.",
    next: "look at qemu.log beside it",
  },
  UNKNOWN: {
    text: "The console shows nothing that is known to stop a boot; its last line is shown.",
    cause: "Something that isn't ours was booted, or the machine hangs.",
    next: "look at the whole log",
  },
} as const satisfies Readonly<Record<string, ConsoleCodeText>>;

/** Closed union of {@link CONSOLE_CODES}. */
export type ConsoleCode = keyof typeof CONSOLE_CODES;
