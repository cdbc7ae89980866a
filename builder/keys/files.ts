/** Names in a key directory. `.key` files are encrypted PKCS#8 PEM, mode 0600; the rest is public. */
export const KEY_FILES = {
  manifest: "keys.json",
  pk: "pk.crt",
  pkKey: "pk.key",
  kek: "kek.crt",
  kekKey: "kek.key",
  db: "db.crt",
  dbKey: "db.key",
  releaseKey: "release.key",
  policyKey: "pcr.key",
  root: "root.crt",
  rootKey: "root.key",
  operatorIssuer: "operator-issuer.crt",
  operatorIssuerKey: "operator-issuer.key",
} as const;
