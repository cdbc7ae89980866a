/** The keys of a cluster, and what each is. `previousRelease` is there after the release key was rotated. */
export const KEY_TYPES = { pk: "rsa", kek: "rsa", db: "rsa", release: "ed25519", policy: "rsa", previousRelease: "ed25519", root: "p256", operatorIssuer: "p256" } as const;
/** See {@link KEY_TYPES}. */
export type KeyName = keyof typeof KEY_TYPES;

/** Names in a key directory. `.key` files are encrypted PKCS#8 PEM, mode 0600; the rest is public. */
export const KEY_FILES = {
  manifest: "keys.json",
  pk: "pk.crt",
  kek: "kek.crt",
  db: "db.crt",
  root: "root.crt",
  operatorIssuer: "operator-issuer.crt",
  /** Where the private keys are, when they are in a token. */
  token: "token.json",
} as const;

/** Where the private keys are, when they are in the directory. */
export const PRIVATE_FILES: Readonly<Record<KeyName, string>> = {
  pk: "pk.key",
  kek: "kek.key",
  db: "db.key",
  release: "release.key",
  policy: "pcr.key",
  previousRelease: "release-previous.key",
  root: "root.key",
  operatorIssuer: "operator-issuer.key",
};
