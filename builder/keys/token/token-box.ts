import { createPublicKey, type KeyObject, randomBytes, verify } from "node:crypto";
import { KeysError } from "../error.ts";
import { KEY_FILES, KEY_TYPES, type KeyName } from "../files.ts";
import type { KeyBox } from "../key-box.ts";
import type { PrivateKey } from "../private-key.ts";
import { runOpenssl, type TokenAccess } from "./run-openssl.ts";
import { type TokenSettings, tokenSettingsSchema } from "./token-settings.ts";

/** Arguments of `openssl genpkey`, by type. */
const GENERATE = {
  rsa: ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
  ed25519: ["-algorithm", "ED25519"],
  p256: ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
} as const;

/** Arguments of `openssl pkeyutl -sign`, by type: the schemes of {@link PrivateKey}. */
const SIGN = {
  rsa: ["-digest", "sha256", "-pkeyopt", "rsa_padding_mode:pkcs1"],
  ed25519: [],
  p256: ["-digest", "sha256"],
} as const;

/** Keys in a token, of which the directory knows labels alone. A new key's label is new as well, so no object is ever overwritten. */
export function tokenBox(access: TokenAccess, cluster: string, objects: Partial<TokenSettings["objects"]>): KeyBox {
  const known: { [Name in KeyName]?: string | undefined } = { ...objects };
  const made = new Map<string, string>();
  const stage = (): void => {
    const { address } = access;
    const settings = tokenSettingsSchema.safeParse({ kind: "kubedos/token", version: 1, ...address, objects: known });
    if (settings.success) made.set(KEY_FILES.token, `${JSON.stringify(settings.data, null, 2)}\n`);
  };
  return {
    async open(name, spki) {
      const label = known[name];
      if (label === undefined) throw new KeysError("DAMAGED", `${KEY_FILES.token} names no object for the key "${name}"`);
      return tokenKey(access, label, KEY_TYPES[name], spki);
    },
    async make(name) {
      const label = `kubedos-${cluster}-${name}-${randomBytes(4).toString("hex")}`;
      const type = KEY_TYPES[name];
      await runOpenssl(access, (files) => ["genpkey", ...GENERATE[type], "-propquery", "provider=pkcs11", "-pkeyopt", `pkcs11_uri:${uri(access, label)}`, "-out", files.out]);
      const pem = await runOpenssl(access, (files) => ["pkey", "-in", `${uri(access, label)};type=public`, "-pubin", "-pubout", "-out", files.out]);
      known[name] = label;
      stage();
      return tokenKey(access, label, type, createPublicKey(Buffer.from(pem)));
    },
    async keepRelease() {
      known.previousRelease = objects.release;
      stage();
    },
    files: () => made,
  };
}

/** A key that stays in its token: each signature is one call of openssl, and is checked before it is given away. */
function tokenKey(access: TokenAccess, label: string, type: keyof typeof SIGN, publicKey: KeyObject): PrivateKey {
  return {
    publicKey,
    async sign(message) {
      const argv = ["pkeyutl", "-sign", "-rawin", ...SIGN[type], "-inkey", `${uri(access, label)};type=private`];
      const signature = await runOpenssl(access, (files) => [...argv, "-in", files.in, "-out", files.out], message);
      if (!verify(type === "ed25519" ? null : "sha256", message, publicKey, signature)) {
        throw new KeysError("DAMAGED", `the token's object "${label}" is not the key that keys.json names`);
      }
      return signature;
    },
  };
}

function uri({ address }: TokenAccess, label: string): string {
  return `pkcs11:token=${address.token};object=${label}`;
}
