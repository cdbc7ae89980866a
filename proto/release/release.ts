import { z } from "zod";
import { QUIRK_NAMES } from "../eventlog/quirk.ts";
import { parseCanonicalJson } from "../wire/json.ts";
import { volumeSchema } from "./image-config.ts";
import { dnsLabel, hexText } from "../wire/text.ts";

/** DSSE payload type of `release.json`. */
export const RELEASE_TYPE = "application/vnd.kubedos.release+json";
const MAX_RELEASE_BYTES = 2 * 1024 * 1024;

const digest = hexText(32);

/** One event that must be in the log, in its place: TCG type name, SHA-256 digest, and words for people. */
export const expectedEventSchema = z.strictObject({ type: z.string().max(64), digest, what: z.string().max(256) });
/** See {@link expectedEventSchema}. */
export type ExpectedEvent = z.output<typeof expectedEventSchema>;

const digests = z.array(digest).min(1).max(16);
const events = z.array(expectedEventSchema).max(256);

/**
 * How one PCR is judged (DESIGN §2.5); every quoted PCR has a rule, one without a rule fails. Where the image says `osSeparator`,
 * that one event of userspace is taken out before the rule looks.
 * exact: these events and nothing else. words: these events, then a prefix of the fixed words that reaches at least
 * `earliest`. zero: nothing was ever extended. pinned: recorded at approval, compared afterwards. replayed: the log must
 * explain the value; what it says is covered by another PCR. secure-boot (PCR 7 of firmware whose log we can't foresee): PK, KEK and
 * db hold exactly the certificates with these SHA-256 digests, dbx at least the hashes of the floor (for a certificate: its SHA-256).
 */
export const pcrRuleSchema = z.discriminatedUnion("rule", [
  z.strictObject({ rule: z.literal("exact"), events, value: digest }),
  z.strictObject({ rule: z.literal("words"), events, words: z.array(z.string().max(64)).min(1).max(16), earliest: z.string().max(64) }),
  z.strictObject({ rule: z.literal("zero") }),
  z.strictObject({ rule: z.literal("pinned") }),
  z.strictObject({ rule: z.literal("replayed") }),
  z.strictObject({ rule: z.literal("secure-boot"), pk: digests, kek: digests, db: digests, dbxFloor: z.array(digest).max(1024) }),
]);
/** See {@link pcrRuleSchema}. */
export type PcrRule = z.output<typeof pcrRuleSchema>;

/** A program that belongs to a role and that its image doesn't hold, and why. Words for people. */
export const missingProgram = z.strictObject({ program: z.string().min(1).max(80), why: z.string().min(1).max(200) });
/** See {@link missingProgram}. */
export type MissingProgram = z.output<typeof missingProgram>;

const pcrIndex = z.string().regex(/^([0-9]|1[0-9]|2[0-3])$/);

/** One bootable output and what its TPM must say. */
export const releaseImageSchema = z.strictObject({
  role: dnsLabel,
  target: z.enum(["qemu"]),
  purpose: z.enum(["node"]),
  /** Path under the release's folder, size in bytes, SHA-256 of the file. */
  disk: z.strictObject({ file: z.string().max(256), size: z.int().positive(), sha256: digest }),
  uki: z.strictObject({ sha256: digest, authenticode: digest }),
  /** SHA-256 of what says what is in it, as SPDX 2.3 and as CycloneDX JSON. Releases before 2026-12 have none. */
  sbom: z.strictObject({ spdx: digest, cyclonedx: digest }).optional(),
  /** dm-verity root hash, in the sealed command line. */
  rootHash: digest,
  pcrs: z.record(pcrIndex, pcrRuleSchema),
  /** What the role should have and this image lacks; absent: nothing. */
  missing: z.array(missingProgram).min(1).max(32).optional(),
  /** Data volumes that a machine must have, `size` in MiB at least. */
  volumes: z.array(volumeSchema.extend({ size: z.int().positive() })).min(1).max(16).optional(),
  /** Its systemd extends `os-separator` from userspace (261 and later): then it must be there, else it may not. */
  osSeparator: z.literal(true).optional(),
  /** What this platform's firmware does against the specification, by name. */
  quirks: z.array(z.enum(QUIRK_NAMES)).min(1).max(QUIRK_NAMES.length).optional(),
});
/** See {@link releaseImageSchema}. */
export type ReleaseImage = z.output<typeof releaseImageSchema>;

/** One build's artifacts with their expectations (DESIGN §2.6, §4). Canonical JSON inside a DSSE envelope. */
export const releaseSchema = z.strictObject({
  kind: z.literal("kubedos/release"),
  version: z.literal(1),
  cluster: dnsLabel,
  /** First 16 hex digits of SHA-256 over the inputs' digests. */
  id: hexText(8),
  generation: z.int().positive(),
  /** SOURCE_DATE_EPOCH of the build, seconds. */
  epoch: z.int().nonnegative(),
  images: z.array(releaseImageSchema).min(1).max(64),
});
/** See {@link releaseSchema}. */
export type Release = z.output<typeof releaseSchema>;

/** Payload bytes of a verified envelope → release. Throws WireError. */
export function parseRelease(data: Uint8Array): Release {
  return parseCanonicalJson(releaseSchema, data, MAX_RELEASE_BYTES);
}
