import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { canonicalJson, parseJson } from "../../proto/wire/json.ts";
import { hexOf, IMAGE_MANIFESTS, parseImageManifest } from "../containers/manifest.ts";
import { parseReference } from "../containers/reference.ts";
import type { LockedImage } from "../lock/extras.ts";
import { blobFile, DARKSITE } from "./paths.ts";
import { writeWhole } from "./write-whole.ts";

const INDEX_TYPE = "application/vnd.oci.image.index.v1+json";
/** What image tools select by (image-spec "annotations.md"). */
const REF_NAME = "org.opencontainers.image.ref.name";
/** The whole name, as containerd imports it. */
const FULL_NAME = "io.containerd.image.name";
const MAX_INDEX_BYTES = 8 * 1024 * 1024;

const descriptorSchema = z.strictObject({
  mediaType: z.enum(IMAGE_MANIFESTS),
  digest: z.string().regex(/^sha256:[0-9a-f]{64}$/),
  size: z.int().positive(),
  annotations: z.strictObject({ [REF_NAME]: z.string().max(512), [FULL_NAME]: z.string().max(512) }),
});
const indexSchema = z.strictObject({ schemaVersion: z.literal(2), mediaType: z.literal(INDEX_TYPE), manifests: z.array(descriptorSchema).max(8192) });
type IndexEntry = z.output<typeof descriptorSchema>;

/** Files of the layout beside its blobs. */
export const OCI_INDEXES: readonly string[] = [DARKSITE.ociLayout, DARKSITE.ociIndex];

/** An image of the layout, under one of its names. */
export interface LaidImage {
  /** Full reference. */
  readonly name: string;
  /** Of its manifest, hex. */
  readonly sha256: string;
  /** Of its layers, packed. */
  readonly bytes: number;
}

/** Writes index.json and oci-layout over a lock's images and those that an earlier lock brought, as far as these are whole and their name isn't another image now. */
export async function writeOci(dir: string, images: readonly LockedImage[], there: (path: string) => boolean): Promise<void> {
  const own = images.map((image): IndexEntry => {
    const name = refName(image);
    return { mediaType: image.mediaType, digest: `sha256:${image.sha256}`, size: image.size, annotations: { [REF_NAME]: name, [FULL_NAME]: name } };
  });
  const names = new Set(own.map((entry) => entry.annotations[REF_NAME]));
  const kept: IndexEntry[] = [];
  for (const entry of await readIndex(dir)) if (!names.has(entry.annotations[REF_NAME]) && (await isWhole(dir, entry, there))) kept.push(entry);
  const manifests = [...kept, ...own].sort((a, b) => (a.annotations[REF_NAME] < b.annotations[REF_NAME] ? -1 : 1));
  await writeWhole(dir, DARKSITE.ociLayout, canonicalJson({ imageLayoutVersion: "1.0.0" }));
  await writeWhole(dir, DARKSITE.ociIndex, canonicalJson({ schemaVersion: 2, mediaType: INDEX_TYPE, manifests }));
}

/** Whether the layout's index has every one of these images under its name. */
export async function holdsImages(dir: string, images: readonly LockedImage[]): Promise<boolean> {
  const entries = await readIndex(dir);
  return images.every((image) => entries.some((e) => e.annotations[REF_NAME] === refName(image) && e.digest === `sha256:${image.sha256}`));
}

/** The images of the layout's index, sorted by name; their manifests must be there. Throws WireError or a file system's error. */
export async function laidImages(dir: string): Promise<readonly LaidImage[]> {
  return Promise.all((await readIndex(dir)).map(async (entry): Promise<LaidImage> => {
    const { layers } = await readManifest(dir, entry);
    return { name: entry.annotations[REF_NAME], sha256: hexOf(entry), bytes: layers.reduce((sum, { size }) => sum + size, 0) };
  }));
}

async function isWhole(dir: string, entry: IndexEntry, there: (path: string) => boolean): Promise<boolean> {
  if (!there(blobFile(hexOf(entry)))) return false;
  const { config, layers } = await readManifest(dir, entry);
  return [config, ...layers].every((blob) => there(blobFile(hexOf(blob))));
}

async function readManifest(dir: string, entry: IndexEntry): Promise<ReturnType<typeof parseImageManifest>> {
  return parseImageManifest(await readFile(join(dir, blobFile(hexOf(entry)))));
}

/** Its tag where it has one, else its digest. */
function refName({ name }: LockedImage): string {
  const { registry, repository, tag } = parseReference(name);
  return tag === undefined ? name : `${registry}/${repository}:${tag}`;
}

/** An index that is none is written anew: it isn't what anything is trusted by. */
async function readIndex(dir: string): Promise<readonly IndexEntry[]> {
  try {
    return parseJson(indexSchema, await readFile(join(dir, DARKSITE.ociIndex)), MAX_INDEX_BYTES).manifests;
  } catch {
    return [];
  }
}
