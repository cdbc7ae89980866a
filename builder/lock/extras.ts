import { z } from "zod";
import { imageReference } from "../../proto/spec/image-reference.ts";
import { dnsLabel, hexText } from "../../proto/wire/text.ts";
import { IMAGE_MANIFESTS, MAX_BLOB_BYTES, MAX_MANIFEST_BYTES } from "../containers/manifest.ts";

/** Largest plain file or wheel; a darksite holds terabytes in many. */
export const MAX_FILE_BYTES: number = 4 * 1024 ** 4;

const digest = hexText(32);
const blob = z.strictObject({ sha256: digest, size: z.int().nonnegative().max(MAX_BLOB_BYTES) });

/** Names of files as they stand in paths and addresses: no separators, no dot at their start. */
export const fileName = z.string().regex(/^[0-9A-Za-z][0-9A-Za-z._+~!-]{0,254}$/, "must be a plain file name");
/** What tells one state of a file from the next; it becomes a folder's name. */
export const fileVersion = z.string().regex(/^[0-9A-Za-z][0-9A-Za-z._+~-]{0,63}$/, "must be a version without spaces or slashes");
const address = z.string().max(2048).regex(/^https?:\/\/[!-~]+$/, "must be an http or https address");
/** An http or https address whose last part is a file's name. */
export const fileUrl = address.refine((text) => fileName.safeParse(urlFileName(text)).success, "must end in a plain file name");
/** A Python project's name in its normal form (PEP 503). */
export const projectName = z.string().regex(/^[a-z0-9](-?[a-z0-9]+){0,63}$/, "must be a project's name in lower case, with single dashes");
const wheelFile = z.string().max(255).regex(/^[0-9A-Za-z][0-9A-Za-z._+!-]*\.whl$/, "must be a wheel's file name");

/** The last part of an address's path; empty where there is none. */
export function urlFileName(url: string): string {
  return URL.canParse(url) ? (new URL(url).pathname.split("/").at(-1) ?? "") : "";
}

/** A container image: `sha256` and `size` are of its manifest for linux/amd64; `layers` from the lowest up. */
export const lockedImageSchema = z.strictObject({
  name: imageReference,
  registry: z.string().max(255),
  repository: z.string().max(255),
  mediaType: z.enum(IMAGE_MANIFESTS),
  sha256: digest,
  size: z.int().min(1).max(MAX_MANIFEST_BYTES),
  config: blob,
  layers: z.array(blob).min(1).max(512),
});
/** See {@link lockedImageSchema}. */
export type LockedImage = z.output<typeof lockedImageSchema>;

/** A file from somewhere. */
export const lockedFileSchema = z.strictObject({ name: dnsLabel, version: fileVersion, url: fileUrl, size: z.int().nonnegative().max(MAX_FILE_BYTES), sha256: digest });
/** See {@link lockedFileSchema}. */
export type LockedFile = z.output<typeof lockedFileSchema>;

/** A Python wheel: its file's name says for which Python and machine. */
export const lockedWheelSchema = z.strictObject({ name: projectName, version: fileVersion, file: wheelFile, url: address, size: z.int().min(1).max(MAX_FILE_BYTES), sha256: digest });
/** See {@link lockedWheelSchema}. */
export type LockedWheel = z.output<typeof lockedWheelSchema>;

/** What a lock holds beside packages; a list that would be empty isn't there. */
export const extrasSchema = {
  containers: z.array(lockedImageSchema).min(1).max(4096).optional(),
  files: z.array(lockedFileSchema).min(1).max(65536).optional(),
  wheels: z.array(lockedWheelSchema).min(1).max(65536).optional(),
} as const;
/** See {@link extrasSchema}. */
export interface LockExtras {
  readonly containers?: readonly LockedImage[] | undefined;
  readonly files?: readonly LockedFile[] | undefined;
  readonly wheels?: readonly LockedWheel[] | undefined;
}

/** How much a lock's extras are, each blob once. */
export function extrasBytes({ containers = [], files = [], wheels = [] }: LockExtras): number {
  const blobs = new Map(containers.flatMap((c) => [c, c.config, ...c.layers]).map((b) => [b.sha256, b.size]));
  return [...blobs.values(), ...files.map((f) => f.size), ...wheels.map((w) => w.size)].reduce((sum, size) => sum + size, 0);
}
