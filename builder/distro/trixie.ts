import type { Distro } from "./distro.ts";

const SUITE = "trixie";

/** Debian 13. */
export const trixie: Distro = {
  suite: SUITE,
  // Of the package debian-archive-keyring.
  keyring: "/usr/share/keyrings/debian-archive-keyring.gpg",
  origins: [
    { name: "debian", mirror: "http://deb.debian.org/debian", suite: SUITE, component: "main" },
    { name: "debian-updates", mirror: "http://deb.debian.org/debian", suite: `${SUITE}-updates`, component: "main" },
    { name: "debian-security", mirror: "http://deb.debian.org/debian-security", suite: `${SUITE}-security`, component: "main" },
  ],
  // Not here: ssh, an initramfs generator's output, D-Bus, a resolver.
  basePackages: [
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
  ],
  // QEMU 10 (7.2 of Debian 12 corrupts guests with kernel 6.12 under TCG), ukify and systemd-measure as oracles.
  toolchainPackages: [
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
    "openssl",
    "ovmf",
    "pkcs11-provider", // keys in a token, by openssl
    "python3-virt-firmware", // virt-fw-vars
    "qemu-system-x86",
    "qemu-utils",
    "sbsigntool",
    "skopeo", // reads our OCI layouts, in tests
    "softhsm2", // a token of software, for tests
    "swtpm",
    "systemd", // systemd-measure, systemd-analyze
    "systemd-boot-efi", // the stub of the UKI
    "systemd-ukify",
    "tpm2-tools",
    "wireguard-tools",
    "xz-utils",
    "zstd",
  ],
  stubPackage: "systemd-boot-efi",
  kernelPackage: /^linux-image-[0-9]/,
  // Leaving it out at unpack time saves a third of the time.
  unpackExcluded: ["/usr/share/man/*", "/usr/share/doc/*", "/usr/share/locale/*", "/usr/share/info/*", "/usr/share/lintian/*"],
  // Things made anew at each boot, things that differ from build to build, and things without a use on a read-only node.
  trimmed: [
    "boot/*",
    "dev/*", // the kernel's own is mounted over it; who isn't root over the machine could not make these
    "vmlinuz*",
    "initrd.img*",
    "etc/*-", // passwd- and friends: older copies
    "etc/.pwd.lock",
    "etc/apt",
    "etc/cron.daily",
    "etc/fstab",
    "etc/hostname",
    "etc/init.d/*",
    "etc/initramfs-tools",
    "etc/kernel",
    "etc/logrotate.d",
    "etc/motd",
    "etc/nftables.conf",
    "etc/rc*.d",
    "etc/resolv.conf",
    "etc/ssh",
    "etc/systemd/system/*", // enabled units are ours alone, in rootfs-overlay
    "etc/update-motd.d",
    "run/*",
    "tmp/*",
    "usr/lib/apt",
    "usr/lib/systemd/boot",
    "usr/lib/systemd/catalog",
    "usr/share/bash-completion",
    "usr/share/bug",
    "usr/share/doc",
    "usr/share/doc-base",
    "usr/share/info",
    "usr/share/initramfs-tools",
    "usr/share/lintian",
    "usr/share/locale",
    "usr/share/man",
    "usr/share/zoneinfo/[A-Z]*/**", // UTC only
    "usr/lib/klibc",
    "usr/lib/klibc-*",
    "var/cache/*",
    "var/lib/apt",
    "var/lib/dbus",
    "var/lib/initramfs-tools",
    "var/lib/systemd",
    "var/lib/ucf",
    "var/log/*",
    "var/tmp/*",
  ],
  droppedModules: [
    "drivers/gpu",
    "drivers/infiniband",
    "drivers/input",
    "drivers/media",
    "drivers/staging",
    "drivers/usb",
    "drivers/video",
    "fs/btrfs",
    "fs/gfs2",
    "fs/jfs",
    "fs/ntfs3",
    "fs/ocfs2",
    "fs/smb",
    "fs/ubifs",
    "sound",
  ],
  selfStarting: [
    "etc/cron.*",
    "etc/modules-load.d/*",
    "etc/udev/rules.d/*",
    "etc/xdg/autostart",
    "usr/lib/modules-load.d/*",
    "usr/lib/systemd/system-environment-generators/*",
    "usr/lib/systemd/system-generators/*",
    "usr/lib/systemd/system-shutdown/*",
    "usr/lib/systemd/system-sleep/*",
    "usr/lib/systemd/system/*.requires/*",
    "usr/lib/systemd/system/*.upholds/*",
    "usr/lib/systemd/system/*.wants/*",
    "usr/lib/udev/rules.d/*",
    "usr/share/dbus-1/system-services/*",
  ],
};
