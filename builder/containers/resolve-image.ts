import { WireError } from "../../proto/wire/error.ts";
import { FetchError } from "../fetch/error.ts";
import type { LockedImage } from "../lock/extras.ts";
import { type Descriptor, findAmd64, hexOf, IMAGE_INDEXES, IMAGE_MANIFESTS, parseImageManifest } from "./manifest.ts";
import { parseReference } from "./reference.ts";
import { Registry, type RegistryManifest } from "./registry.ts";

/** Asks its registry what an image is now: the manifest for 64-bit PCs, and every blob of it. Throws FetchError or ToolError. */
export async function resolveImage(name: string, signal?: AbortSignal): Promise<LockedImage> {
  const { registry: host, repository, tag, digest: pinned } = parseReference(name);
  const registry = new Registry(host, signal);
  try {
    const manifest = await imageManifest(registry, name, repository, pinned === undefined ? (tag ?? "") : `sha256:${pinned}`);
    const { config, layers } = parseImageManifest(manifest.bytes);
    const blob = (descriptor: Descriptor) => ({ sha256: hexOf(descriptor), size: descriptor.size });
    return { name, registry: host, repository, mediaType: manifest.mediaType, sha256: manifest.digest, size: manifest.bytes.length, config: blob(config), layers: layers.map(blob) };
  } catch (cause) {
    if (cause instanceof WireError) throw new FetchError("SOURCE_BAD", `${name}: what ${host} sends is no image: ${cause.message}`, "", { cause });
    throw cause;
  }
}

async function imageManifest(registry: Registry, name: string, repository: string, reference: string): Promise<RegistryManifest & { readonly mediaType: LockedImage["mediaType"] }> {
  const found = await registry.manifest(repository, reference);
  if (isOne(IMAGE_MANIFESTS, found.mediaType)) return { ...found, mediaType: found.mediaType };
  if (!isOne(IMAGE_INDEXES, found.mediaType)) throw new FetchError("SOURCE_BAD", `${name} is no container image but ${JSON.stringify(found.mediaType.slice(0, 100))}`);
  const own = findAmd64(found.bytes);
  if (own === undefined) throw new FetchError("SOURCE_GONE", `${name} is not made for linux/amd64`);
  const image = await registry.manifest(repository, own.digest);
  if (!isOne(IMAGE_MANIFESTS, image.mediaType)) throw new FetchError("SOURCE_BAD", `${name} for linux/amd64 is no image but ${JSON.stringify(image.mediaType.slice(0, 100))}`);
  return { ...image, mediaType: image.mediaType };
}

function isOne<T extends string>(list: readonly T[], text: string): text is T {
  return (list as readonly string[]).includes(text);
}
