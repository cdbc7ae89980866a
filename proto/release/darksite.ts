import { z } from "zod";
import { parseCanonicalJson } from "../wire/json.ts";
import { dnsLabel, hexText } from "../wire/text.ts";

/** DSSE payload type of a darksite's signature, made by the release key. */
export const DARKSITE_TYPE = "application/vnd.kubedos.darksite+json";

const amount = z.int().nonnegative();

/**
 * What the release key says of a darksite: the digest of its list of files, which names every file with size and digest, and that of
 * the certificate that its APT repository is signed by. Sizes in bytes, digests SHA-256.
 */
export const darksiteSchema = z.strictObject({
  kind: z.literal("kubedos/darksite"),
  version: z.literal(1),
  cluster: dnsLabel,
  list: z.strictObject({ sha256: hexText(32), size: amount }),
  files: amount,
  bytes: amount,
  aptCertificate: hexText(32),
});
/** See {@link darksiteSchema}. */
export type Darksite = z.output<typeof darksiteSchema>;

/** Payload bytes of a verified envelope → darksite. Throws WireError. */
export function parseDarksite(data: Uint8Array): Darksite {
  return parseCanonicalJson(darksiteSchema, data, 4096);
}
