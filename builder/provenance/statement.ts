import { z } from "zod";
import { parseCanonicalJson } from "../../proto/wire/json.ts";
import { dnsLabel, hexText } from "../../proto/wire/text.ts";

/** DSSE payload type of in-toto statements. */
export const STATEMENT_TYPE = "application/vnd.in-toto+json";
/** The lock of 16 roles has some thousand packages of 300 bytes. */
const MAX_BYTES = 2 * 1024 * 1024;

const digestSet = z.strictObject({ sha256: hexText(32) });
const name = z.string().max(256);

/** Something that went in: by name, or by package URL with the address that the lock takes it from. */
const dependency = z.strictObject({
  name,
  digest: digestSet,
  uri: z.string().max(512).optional(),
  downloadLocation: z.string().max(1024).optional(),
  /** Which sets of the lock hold it. */
  annotations: z.strictObject({ sets: z.array(z.string().max(80)).max(66) }).optional(),
});

/** What a release was made of: an in-toto statement (v1) with SLSA's provenance (v1). It knows no time, host, user or path of the build. */
export const provenanceSchema = z.strictObject({
  _type: z.literal("https://in-toto.io/Statement/v1"),
  /** Every file of the release that was there before this one, by its path. */
  subject: z.array(z.strictObject({ name, digest: digestSet })).min(1).max(4096),
  predicateType: z.literal("https://slsa.dev/provenance/v1"),
  predicate: z.strictObject({
    buildDefinition: z.strictObject({
      buildType: z.literal("urn:kubedos:build:1"),
      externalParameters: z.strictObject({
        cluster: dnsLabel,
        generation: z.int().positive(),
        /** SOURCE_DATE_EPOCH, seconds. */
        epoch: z.int().nonnegative(),
        /** SHA-256 over canonical JSON of `roles`: all that the spec says that shapes an image. Nodes and addresses are not among it. */
        spec: digestSet,
        /** SHA-256 over canonical JSON of keys.json: the public halves of the cluster's keys. */
        keys: digestSet,
        /** The roles with the digests of their image.json. */
        roles: z.array(z.strictObject({ name: dnsLabel, config: digestSet })).min(1).max(64),
      }),
      internalParameters: z.strictObject({ release: hexText(8) }),
      resolvedDependencies: z.array(dependency).min(1).max(16384),
    }),
    runDetails: z.strictObject({
      builder: z.strictObject({
        id: z.literal("urn:kubedos:kubedos-build"),
        version: z.strictObject({ "kubedos-build": z.string().max(64) }),
        /** Whoever signs this: SHA-256 over the release key's SPKI. */
        builderDependencies: z.array(z.strictObject({ name: z.literal("release key"), digest: digestSet })).length(1),
      }),
      metadata: z.strictObject({ invocationId: hexText(8) }),
    }),
  }),
});
/** See {@link provenanceSchema}. */
export type Provenance = z.output<typeof provenanceSchema>;

/** Payload bytes of a verified envelope → statement. Throws WireError. */
export function parseProvenance(data: Uint8Array): Provenance {
  return parseCanonicalJson(provenanceSchema, data, MAX_BYTES);
}
