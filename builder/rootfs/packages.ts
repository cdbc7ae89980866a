/** What every role's root file system is made of. Not here: ssh, an initramfs generator's output, D-Bus, a resolver. */
export const BASE_PACKAGES: readonly string[] = [
  "cryptsetup-bin", // data volumes
  "e2fsprogs", // data volumes
  "iproute2",
  "iputils-ping",
  "kmod",
  "linux-image-cloud-amd64",
  "nftables",
  "qemu-guest-agent", // version 10: allow-rpcs
  "systemd",
  "systemd-sysv",
  "udev",
  "wireguard-tools",
];
