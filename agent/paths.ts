/** Where everything is in the image; {@link Files} may lay these over another root in tests. */
export const PATHS = {
  imageConfig: "/etc/kubedos/image.json",
  smbios: "/sys/firmware/dmi/tables/DMI",
  firmwareLog: "/sys/kernel/security/tpm0/binary_bios_measurements",
  bootId: "/proc/sys/kernel/random/boot_id",
  links: "/sys/class/net",
  kernelLog: "/dev/kmsg",
  blockDevices: "/sys/block",
  partitions: "/sys/class/block",
  mapper: "/dev/mapper",
  mounts: "/proc/self/mounts",
  /** tmpfs, root only but for status.json and the mailbox. */
  measureLog: "/run/kubedos/measure.log",
  keys: "/run/kubedos/keys.json",
  node: "/run/kubedos/node.json",
  horizon: "/run/kubedos/horizon.json",
  status: "/run/kubedos/status.json",
  volumes: "/run/kubedos/volumes.json",
  /** Copies of the headers of volumes while they are being opened. */
  volumeHeaders: "/run/kubedos/volumes",
  mailboxIn: "/run/kubedos/mailbox/in",
  mailboxOut: "/run/kubedos/mailbox/out",
  issuers: "/run/kubedos-hub/issuers.json",
  delivery: "/run/kubedos-hub/delivery.json",
} as const;
