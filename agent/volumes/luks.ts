import { PATHS } from "../paths.ts";
import type { Argv } from "../ports.ts";

/** Bytes before the data: two copies of the metadata, and the area of the one key slot. A header of exactly this size is all that is ever read. */
export const HEADER_BYTES: number = 1024 * 1024;
/** Each of the two copies. */
export const METADATA_KIB = 16;
const KEYSLOTS_KIB = HEADER_BYTES / 1024 - 2 * METADATA_KIB;
const SECTOR = 512;

/** How every volume of ours is encrypted; a header that says anything else isn't opened (luks-header.ts). */
export const LUKS = { cipher: "aes-xts-plain64", integrity: "hmac(sha256)", hash: "sha256", sectorSize: 4096 } as const;

/** Name under /dev/mapper. */
export function mapperName(volume: string): string {
  return `kubedos-${volume}`;
}

/** Path of the opened volume. */
export function mapperPath(volume: string): string {
  return `${PATHS.mapper}/${mapperName(volume)}`;
}

/** cryptsetup makes its nodes by itself: our udev has no rules for device-mapper, and waiting for them would have no end. */
const CRYPTSETUP = ["env", "DM_DISABLE_UDEV=1", "cryptsetup", "--batch-mode"] as const;
// The key is random, so stretching it protects nothing.
const CHEAP_KDF = ["--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000"] as const;

/**
 * Makes the header in a file and the integrity tags on the disk, behind the place for the header; the key comes on standard input. Tags are
 * made by writing every block, so that no block is ever without one.
 */
export function formatArgv(disk: string, header: string): Argv {
  return [
    ...CRYPTSETUP,
    "luksFormat",
    "--type", "luks2",
    "--cipher", LUKS.cipher,
    "--key-size", "512",
    "--hash", LUKS.hash,
    "--integrity", "hmac-sha256",
    "--sector-size", String(LUKS.sectorSize),
    ...CHEAP_KDF,
    "--luks2-metadata-size", `${METADATA_KIB}k`,
    "--luks2-keyslots-size", `${KEYSLOTS_KIB}k`,
    "--offset", String(HEADER_BYTES / SECTOR),
    "--header", header,
    "--key-file", "-",
    disk,
  ];
}

/** Opens by a header that was checked; the key comes on standard input. */
export function openArgv(disk: string, header: string, volume: string): Argv {
  return [...CRYPTSETUP, "open", "--type", "luks2", "--header", header, "--key-file", "-", "--tries", "1", disk, mapperName(volume)];
}

/** Closes what {@link openArgv} opened. */
export function closeArgv(volume: string): Argv {
  return [...CRYPTSETUP, "close", mapperName(volume)];
}

/** Prints the metadata of a header's copy. */
export function dumpArgv(header: string): Argv {
  return [...CRYPTSETUP, "luksDump", "--dump-json-metadata", header];
}

/** Adds a token; its JSON comes on standard input. */
export function addTokenArgv(header: string): Argv {
  return [...CRYPTSETUP, "token", "import", "--token-id", "0", "--json-file", "-", header];
}

/** An empty file system; every block of its tables is written now, so that none has to be later. */
export function makeFileSystemArgv(volume: string): Argv {
  return ["mke2fs", "-q", "-t", "ext4", "-m", "0", "-L", volume, "-E", "lazy_itable_init=0,lazy_journal_init=0,nodiscard", mapperPath(volume)];
}

/** Replays the journal and mends what can be mended without a decision. */
export function checkFileSystemArgv(volume: string): Argv {
  return ["e2fsck", "-p", mapperPath(volume)];
}

/** Mounts for data: nothing on it is a device, a program or anybody's rights. */
export function mountArgv(volume: string, mount: string): Argv {
  return ["mount", "-t", "ext4", "-o", "nodev,nosuid,noexec,nosymfollow", mapperPath(volume), mount];
}
