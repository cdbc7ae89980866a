import { PeError } from "../pe/error.ts";
import { parsePe } from "../pe/parse.ts";
import { unpackUki } from "../uki/unpack.ts";
import { SignerError } from "./error.ts";

/** `roothash=` and 64 hexadecimal digits, first on the sealed command line. */
const ROOT_HASH = /^roothash=[0-9a-f]{64}( |$)/;

/**
 * Takes bytes only as an unsigned UKI of this cluster and role, whose command line seals a root file system: db signs nothing
 * else, no shell and no foreign kernel. Throws SignerError `MALFORMED` or `NOT_OURS`.
 */
export function checkUki(uki: Uint8Array, cluster: string, role: string): void {
  const { osrel, cmdline } = partsOf(uki);
  const lines = new TextDecoder().decode(osrel).split("\n");
  if (!lines.includes(`IMAGE_ID=${cluster}-${role}`)) throw new SignerError("NOT_OURS", `the image doesn't say that it is role "${role}" of cluster "${cluster}"`);
  if (!ROOT_HASH.test(new TextDecoder().decode(cmdline))) throw new SignerError("NOT_OURS", "the image's command line seals no root file system");
}

/** Takes bytes only as such a UKI that db has signed. Throws SignerError `MALFORMED` or `NOT_OURS`, or PeError. */
export function checkSignedUki(uki: Uint8Array, cluster: string, role?: string): void {
  const image = parsePe(uki);
  const lines = new TextDecoder().decode(image.sections.find((s) => s.name === ".osrel")?.data).split("\n");
  if (image.certificates.size === 0) throw new SignerError("MALFORMED", "the UKI has no signature of db");
  const ours = role === undefined ? lines.some((line) => line.startsWith(`IMAGE_ID=${cluster}-`)) : lines.includes(`IMAGE_ID=${cluster}-${role}`);
  if (!ours) throw new SignerError("NOT_OURS", `the UKI is not for ${role === undefined ? "" : `role "${role}" of `}cluster "${cluster}"`);
}

function partsOf(uki: Uint8Array): { readonly osrel: Uint8Array; readonly cmdline: Uint8Array } {
  try {
    if (parsePe(uki).certificates.size !== 0) throw new SignerError("MALFORMED", "the image is signed already");
    return unpackUki(uki);
  } catch (cause) {
    if (!(cause instanceof PeError)) throw cause;
    throw new SignerError("MALFORMED", `this is no UKI: ${cause.message}`, { cause });
  }
}
