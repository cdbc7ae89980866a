/** Debian suite of everything kubedos builds with and builds from. */
export const SUITE = "trixie";

/** Where packages come from, as sources.list lines; the host's own apt proxy settings apply. */
export const SOURCES: readonly string[] = [
  `deb http://deb.debian.org/debian ${SUITE} main`,
  `deb http://deb.debian.org/debian ${SUITE}-updates main`,
  `deb http://deb.debian.org/debian-security ${SUITE}-security main`,
];

/**
 * The tools of the build, of the QEMU target and of the tests, so that none depends on the host's versions: QEMU 10
 * (7.2 of Debian 12 corrupts guests with kernel 6.12 under TCG), ukify and systemd-measure as oracles.
 */
export const TOOLCHAIN_PACKAGES: readonly string[] = [
  "cpio", // lists our initrd in tests
  "cryptsetup-bin", // veritysetup
  "dosfstools",
  "erofs-utils",
  "gcc", // the static init of the initrd
  "iproute2",
  "kmod", // depmod
  "libc6-dev",
  "mtools",
  "nftables",
  "ovmf",
  "python3-virt-firmware", // virt-fw-vars
  "qemu-system-x86",
  "qemu-utils",
  "sbsigntool",
  "swtpm",
  "systemd", // systemd-measure, systemd-analyze
  "systemd-boot-efi", // the stub of the UKI
  "systemd-ukify",
  "tpm2-tools",
  "wireguard-tools",
  "xz-utils",
  "zstd",
];
