import { z } from "zod";
import { parseJson } from "../../proto/wire/json.ts";

/** Registries refuse manifests over 4 MiB (distribution-spec "Pushing manifests"). */
export const MAX_MANIFEST_BYTES = 4 * 1024 * 1024;
/** No layer of an image that runs on a node of ours is larger. */
export const MAX_BLOB_BYTES = 256 * 1024 ** 3;

/** Manifests of one image: OCI's, and Docker's that has the same form. */
export const IMAGE_MANIFESTS = ["application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json"] as const;
/** Lists of images for several machines. */
export const IMAGE_INDEXES = ["application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json"] as const;

const digest = z.string().regex(/^sha256:[0-9a-f]{64}$/, "must be a SHA-256 digest");
const descriptor = z.object({ mediaType: z.string().max(255), digest, size: z.int().nonnegative().max(MAX_BLOB_BYTES) });
// Their formats, not ours: keys that we don't know are left alone.
const manifestSchema = z.object({ schemaVersion: z.literal(2), mediaType: z.string().max(255).optional(), config: descriptor, layers: z.array(descriptor).min(1).max(512) });
const platform = z.object({ os: z.string().max(64), architecture: z.string().max(64) });
const indexSchema = z.object({ schemaVersion: z.literal(2), manifests: z.array(descriptor.extend({ platform: platform.optional() })).max(1024) });

/** A blob of an image: "sha256:HEX", bytes. */
export type Descriptor = z.output<typeof descriptor>;

/** The digest as files and locks have it, hex. */
export function hexOf({ digest }: Pick<Descriptor, "digest">): string {
  return digest.slice("sha256:".length);
}

/** An image manifest's bytes → what it holds (image-spec "manifest.md"). Throws WireError. */
export function parseImageManifest(data: Uint8Array): { readonly config: Descriptor; readonly layers: readonly Descriptor[] } {
  return parseJson(manifestSchema, data, MAX_MANIFEST_BYTES);
}

/** An index's bytes → the manifest of the image for 64-bit PCs; undefined where it has none. Throws WireError. */
export function findAmd64(data: Uint8Array): Descriptor | undefined {
  return parseJson(indexSchema, data, MAX_MANIFEST_BYTES).manifests.find((m) => m.platform?.os === "linux" && m.platform.architecture === "amd64");
}
