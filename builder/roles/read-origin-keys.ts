import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { readKeys } from "openpgp";
import { concatBytes } from "../../proto/wire/bytes.ts";
import { BuildError } from "../error.ts";
import type { OriginKeys } from "./role.ts";

/** A keyring of a handful of certificates. */
const MAX_KEYRING_BYTES = 1 << 20;

/**
 * The certificates in `NAME.asc` (armoured) or `NAME.gpg` (binary) of the first folder that has such a file; undefined: none has. Whoever put
 * it there vouches for it. Throws BuildError `BAD_ORIGIN_KEY`.
 */
export async function readOriginKeys(folders: readonly string[], name: string): Promise<OriginKeys | undefined> {
  for (const file of folders.flatMap((dir) => [join(dir, `${name}.asc`), join(dir, `${name}.gpg`)])) {
    const data = await readFile(file).catch((cause: NodeJS.ErrnoException) => {
      if (cause.code === "ENOENT") return undefined;
      throw cause;
    });
    if (data !== undefined) return await parseKeys(data, file);
  }
  return undefined;
}

async function parseKeys(data: Buffer, file: string): Promise<OriginKeys> {
  try {
    if (data.length > MAX_KEYRING_BYTES) throw new Error(`it has ${data.length} bytes`);
    const keys = file.endsWith(".asc") ? await readKeys({ armoredKeys: data.toString("latin1") }) : await readKeys({ binaryKeys: new Uint8Array(data) });
    if (keys.some((key) => key.isPrivate())) throw new Error("it holds a private key");
    const fingerprints = [...new Set(keys.map((key) => key.getFingerprint()))].sort();
    if (fingerprints.length === 0) throw new Error("it holds no certificate");
    return { keyring: concatBytes(...keys.map((key) => key.write())), fingerprints };
  } catch (cause) {
    throw new BuildError("BAD_ORIGIN_KEY", `${file} is no OpenPGP certificate: ${cause instanceof Error ? cause.message : "unreadable"}`, "", { cause });
  }
}
