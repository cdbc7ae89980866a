import { z } from "zod";
import { parseJson } from "../../proto/wire/json.ts";
import { base64Text, dnsLabel, hexText } from "../../proto/wire/text.ts";

const certificateDigest = hexText(32);

/** `keys.json`: what may be known about a key directory. SHA-256 of each certificate's DER ties the files together. */
export const manifestSchema = z.strictObject({
  kind: z.literal("kubedos/keys"),
  version: z.literal(1),
  cluster: dnsLabel,
  /** SignatureOwner of PK, KEK and db in the machines' variable stores; measured into PCR 7. */
  owner: z.uuid(),
  certificates: z.strictObject({
    pk: certificateDigest,
    kek: certificateDigest,
    db: certificateDigest,
    root: certificateDigest,
    operatorIssuer: certificateDigest,
  }),
  /** Ed25519 SubjectPublicKeyInfo of the release-signing key. */
  releaseKey: base64Text(128),
  /** The one before it, which images and hubs in the field still know; gone with the rotation after. */
  previousReleaseKey: base64Text(128).optional(),
  /** RSA SubjectPublicKeyInfo of the key that approves PCR policies. */
  policyKey: base64Text(512),
});
/** See {@link manifestSchema}. */
export type KeysManifest = z.output<typeof manifestSchema>;

/** File bytes → manifest. Throws WireError. */
export function parseManifest(data: Uint8Array): KeysManifest {
  return parseJson(manifestSchema, data, 64 * 1024);
}
