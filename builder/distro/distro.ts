import type { Origin } from "../lock/lock.ts";

/** What kubedos takes from one release of one distribution: all of it data, so that another one is another file of this shape. */
export interface Distro {
  /** The suite's name, as in its archive: "trixie". */
  readonly suite: string;
  /** Absolute path on the build host of what its archive is verified with. */
  readonly keyring: string;
  /** Where locks take its packages from. A version that stands in several is taken from the first. */
  readonly origins: readonly Origin[];
  /** What every role's root file system is made of. */
  readonly basePackages: readonly string[];
  /** The tools of the build, of the QEMU target and of the tests, so that none depends on the host's versions. */
  readonly toolchainPackages: readonly string[];
  /** The package of the toolchain whose EFI stub starts the kernel. */
  readonly stubPackage: string;
  /** Names of packages that hold a kernel; the base tree has one. */
  readonly kernelPackage: RegExp;
  /** Patterns of dpkg's path-exclude: what no build and no node ever reads. */
  readonly unpackExcluded: readonly string[];
  /** What leaves a tree; paths under it, `*` and `**` as in a shell. */
  readonly trimmed: readonly string[];
  /** Folders of kernel modules that no target has hardware for or no workload asks for; under kernel/. */
  readonly droppedModules: readonly string[];
  /** What a package installs that systemd, udev or cron would run by itself: removed where the base tree doesn't hold it. */
  readonly selfStarting: readonly string[];
}
