import type { Origin } from "../lock/lock.ts";

/** Debian suite of everything kubedos builds with and builds from. */
export const SUITE = "trixie";

/** What Debian's archive is verified with; of the package debian-archive-keyring. */
export const ARCHIVE_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg";

/** Where locks take packages from. A version that stands in several is taken from the first. */
export const ORIGINS: readonly Origin[] = [
  { name: "debian", mirror: "http://deb.debian.org/debian", suite: SUITE, component: "main" },
  { name: "debian-updates", mirror: "http://deb.debian.org/debian", suite: `${SUITE}-updates`, component: "main" },
  { name: "debian-security", mirror: "http://deb.debian.org/debian-security", suite: `${SUITE}-security`, component: "main" },
];

/** The package of the toolchain whose EFI stub starts the kernel. */
export const STUB_PACKAGE = "systemd-boot-efi";

/**
 * The tools of the build, of the QEMU target and of the tests, so that none depends on the host's versions: QEMU 10
 * (7.2 of Debian 12 corrupts guests with kernel 6.12 under TCG), ukify and systemd-measure as oracles.
 */
export const TOOLCHAIN_PACKAGES: readonly string[] = [
  "cpio", // lists our initrd in tests
  "cryptsetup-bin", // veritysetup
  "docker-registry", // a registry of containers, in tests
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
  "skopeo", // reads our OCI layouts, in tests
  "swtpm",
  "systemd", // systemd-measure, systemd-analyze
  "systemd-boot-efi", // the stub of the UKI
  "systemd-ukify",
  "tpm2-tools",
  "wireguard-tools",
  "xz-utils",
  "zstd",
];
