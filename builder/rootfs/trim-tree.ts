import { chmod, glob, lstat, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

/**
 * What leaves a base tree: things made anew at each boot, things that differ from build to build, and things without a
 * use on a read-only node. Paths under the tree; `*` and `**` as in a shell.
 */
export const TRIMMED: readonly string[] = [
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
  "etc/systemd/system/*.wants", // enabled units are ours alone, in rootfs-overlay
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
];

/** Programs that would give more rights than their caller has: nobody logs in, so nothing needs them. */
const SETUID = ["usr/bin/*", "usr/sbin/*", "usr/lib/*/*"];

/** Removes what {@link TRIMMED} lists and every setuid bit; leaves the mount points and an empty machine-id. */
export async function trimTree(tree: string): Promise<void> {
  for (const pattern of TRIMMED) {
    for await (const path of glob(pattern, { cwd: tree })) await rm(join(tree, path), { recursive: true, force: true });
  }
  for (const pattern of SETUID) {
    for await (const path of glob(pattern, { cwd: tree })) {
      const found = await lstat(join(tree, path));
      if (found.isFile() && (found.mode & 0o6000) !== 0) await chmod(join(tree, path), found.mode & 0o1777);
    }
  }
  for (const dir of ["boot", "dev", "proc", "run", "sys", "tmp", "var", "root"]) {
    await mkdir(join(tree, dir), { recursive: true });
  }
  // Empty, not absent: systemd then mounts a fresh one over it, and does not take this for a first boot.
  await writeFile(join(tree, "etc/machine-id"), "");
}
