/** Metadata of a volume as cryptsetup 2.7.5 makes it with our arguments, without a token; recorded in a guest. */
export const LUKS_METADATA = {
  keyslots: {
    "0": {
      type: "luks2",
      key_size: 96,
      af: { type: "luks1", stripes: 4000, hash: "sha256" },
      area: { type: "raw", offset: "32768", size: "385024", encryption: "aes-xts-plain64", key_size: 64 },
      kdf: { type: "pbkdf2", hash: "sha256", iterations: 1000, salt: "FKvlkquIJmE6BCUr85n/xebdWSgI/j+maWAFljesDvw=" },
    },
  },
  tokens: {},
  segments: {
    "0": {
      type: "crypt",
      offset: "1048576",
      size: "dynamic",
      iv_tweak: "0",
      encryption: "aes-xts-plain64",
      sector_size: 4096,
      integrity: { type: "hmac(sha256)", journal_encryption: "none", journal_integrity: "none" },
    },
  },
  digests: {
    "0": {
      type: "pbkdf2",
      keyslots: ["0"],
      segments: ["0"],
      hash: "sha256",
      iterations: 1000,
      salt: "qsBRLjZnt64/gXXPckpCdLhsZ1+PYOMafpe2hzrUlcQ=",
      digest: "Ls68M2U7zq/du+hT/0TgvGFpNUvFJwA+O0mCK2eW8uA=",
    },
  },
  config: { json_size: "12288", keyslots_size: "1015808" },
} as const;
