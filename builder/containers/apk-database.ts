import { fromBase64 } from "../../proto/wire/base64.ts";
import { WireError } from "../../proto/wire/error.ts";
import { toHex } from "../../proto/wire/hex.ts";
import { ContainerError } from "./error.ts";
import type { InstalledPackage } from "./installed-package.ts";

const NAME = /^[A-Za-z0-9._+][A-Za-z0-9._+-]{0,255}$/;
const VERSION = /^[0-9A-Za-z._~+-]{1,256}$/;
const MAX_LICENSE = 1024;
/** Checksums by the letter of their algorithm (apk-package(5)). */
const CHECKSUMS = { Q1: { algorithm: "SHA1", bytes: 20 }, Q2: { algorithm: "SHA256", bytes: 32 } } as const;

/** apk's database of what is installed: paragraphs of "LETTER:VALUE" lines → packages. `where` is for people. Throws ContainerError `PACKAGES_UNREADABLE`. */
export function parseApkDatabase(data: Uint8Array, where: string): readonly InstalledPackage[] {
  const paragraphs = new TextDecoder().decode(data).split("\n\n").filter((paragraph) => paragraph.trim() !== "");
  return paragraphs.map((paragraph): InstalledPackage => {
    // The lines of a package's files follow those of the package and use other letters.
    const value = (letter: string): string => new RegExp(`^${letter}:(.*)$`, "m").exec(paragraph)?.[1] ?? "";
    const [name, version, architecture, origin] = [value("P"), value("V"), value("A"), value("o")];
    if (!NAME.test(name) || !VERSION.test(version) || !/^[a-z0-9_-]{0,64}$/.test(architecture)) {
      throw new ContainerError("PACKAGES_UNREADABLE", `${where} has a package without name or version: ${JSON.stringify(`${name} ${version} ${architecture}`.slice(0, 200))}`);
    }
    return { kind: "apk", name, version, architecture, source: NAME.test(origin) ? origin : "", license: value("L").slice(0, MAX_LICENSE), checksum: checksum(value("C"), `${where}: ${name}`) };
  });
}

function checksum(text: string, what: string): InstalledPackage["checksum"] {
  if (text === "") return undefined;
  const kind = text.startsWith("Q1") ? CHECKSUMS.Q1 : text.startsWith("Q2") ? CHECKSUMS.Q2 : undefined;
  const bytes = kind === undefined ? undefined : digestOf(text.slice(2));
  if (kind === undefined || bytes?.length !== kind.bytes) throw new ContainerError("PACKAGES_UNREADABLE", `${what} has a checksum that is none: ${JSON.stringify(text.slice(0, 100))}`);
  return { algorithm: kind.algorithm, hex: toHex(bytes) };
}

function digestOf(base64: string): Uint8Array | undefined {
  try {
    return fromBase64(base64);
  } catch (e) {
    if (e instanceof WireError) return undefined;
    throw e;
  }
}
