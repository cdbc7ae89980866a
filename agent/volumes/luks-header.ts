import { z } from "zod";
import { errorChain } from "../../proto/wire/error-chain.ts";
import { utf8 } from "../../proto/wire/bytes.ts";
import { parseJson } from "../../proto/wire/json.ts";
import { AgentError } from "../error.ts";
import { HEADER_BYTES, LUKS } from "./luks.ts";
import { tokenSchema, type VolumeToken } from "./volume-token.ts";

const MAX_METADATA_BYTES = 16 * 1024;
const base64 = z.string().max(256);
const decimal = z.string().regex(/^\d{1,12}$/);
const iterations = z.int().min(1000).max(10_000_000);

/**
 * The one shape of LUKS2 metadata that is ours. Whoever can write the disk wrote this header: one that says "no cipher", "no integrity" or
 * "another segment" would have cryptsetup open with the right key what anybody can read and change, so nothing in it is left to choose.
 */
const headerSchema = z.strictObject({
  keyslots: z.strictObject({
    "0": z.strictObject({
      type: z.literal("luks2"),
      key_size: z.literal(96),
      af: z.strictObject({ type: z.literal("luks1"), stripes: z.literal(4000), hash: z.literal(LUKS.hash) }),
      area: z.strictObject({ type: z.literal("raw"), offset: decimal, size: decimal, encryption: z.literal(LUKS.cipher), key_size: z.literal(64) }),
      kdf: z.strictObject({ type: z.literal("pbkdf2"), hash: z.literal(LUKS.hash), iterations, salt: base64 }),
    }),
  }),
  tokens: z.strictObject({ "0": tokenSchema }),
  segments: z.strictObject({
    "0": z.strictObject({
      type: z.literal("crypt"),
      offset: z.literal(String(HEADER_BYTES)),
      size: z.literal("dynamic"),
      iv_tweak: z.literal("0"),
      encryption: z.literal(LUKS.cipher),
      sector_size: z.literal(LUKS.sectorSize),
      integrity: z.strictObject({ type: z.literal(LUKS.integrity), journal_encryption: z.literal("none"), journal_integrity: z.literal("none"), key_size: z.literal(32).optional() }),
    }),
  }),
  digests: z.strictObject({
    "0": z.strictObject({
      type: z.literal("pbkdf2"),
      keyslots: z.tuple([z.literal("0")]),
      segments: z.tuple([z.literal("0")]),
      hash: z.literal(LUKS.hash),
      iterations,
      salt: base64,
      digest: base64,
    }),
  }),
  config: z.strictObject({ json_size: decimal, keyslots_size: decimal }),
});

/** What `cryptsetup luksDump --dump-json-metadata` printed → our token. Throws {@link AgentError} `VOLUME_ALTERED`. */
export function readHeader(dumped: string): VolumeToken {
  try {
    return parseJson(headerSchema, utf8(dumped), MAX_METADATA_BYTES).tokens["0"];
  } catch (cause) {
    throw new AgentError("VOLUME_ALTERED", `the volume's header isn't one that this system makes: ${errorChain(cause)}`, { cause });
  }
}
