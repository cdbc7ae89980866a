import { createPrivateKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { KeysError } from "./error.ts";
import { KEY_TYPES, type KeyName, PRIVATE_FILES } from "./files.ts";
import type { KeyBox } from "./key-box.ts";
import { memoryKey } from "./private-key.ts";

const generate: Readonly<Record<(typeof KEY_TYPES)[KeyName], () => KeyObject>> = {
  // RSA-2048: what every UEFI firmware takes.
  rsa: () => generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey,
  ed25519: () => generateKeyPairSync("ed25519").privateKey,
  p256: () => generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey,
};

/** Keys in a directory, as PKCS#8 under one passphrase. */
export function fileBox(dir: string, passphrase: string): KeyBox {
  const made = new Map<string, string>();
  return {
    async open(name, spki) {
      return await openKey(join(dir, PRIVATE_FILES[name]), passphrase, spki);
    },
    async make(name) {
      const key = generate[KEY_TYPES[name]]();
      made.set(PRIVATE_FILES[name], key.export({ type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase }).toString());
      return memoryKey(key);
    },
    async keepRelease() {
      made.set(PRIVATE_FILES.previousRelease, await readFile(join(dir, PRIVATE_FILES.release), "utf8"));
    },
    files: () => made,
  };
}

async function openKey(path: string, passphrase: string, spki: KeyObject): ReturnType<KeyBox["open"]> {
  const pem = await readFile(path).catch((cause: unknown) => {
    throw new KeysError("DAMAGED", `${path} can't be read`, { cause });
  });
  let key: KeyObject;
  try {
    key = createPrivateKey({ key: pem, format: "pem", passphrase });
  } catch (cause) {
    throw new KeysError("WRONG_PASSPHRASE", `the passphrase doesn't open ${path}`, { cause });
  }
  const opened = memoryKey(key);
  if (!opened.publicKey.equals(spki)) throw new KeysError("DAMAGED", `${path} is not the key that keys.json names`);
  return opened;
}
