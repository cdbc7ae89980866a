import { z } from "zod";
import { WireError } from "../../proto/wire/error.ts";
import { parseJson } from "../../proto/wire/json.ts";
import { ToolError } from "../toolchain/error.ts";
import { ByteSource } from "./byte-source.ts";
import { ContainerError } from "./error.ts";
import { LayerTree } from "./layer-tree.ts";
import { type Descriptor, hexOf, MAX_MANIFEST_BYTES, parseImageManifest } from "./manifest.ts";
import { findPackages, type FoundPackages, WATCHED } from "./find-packages.ts";
import { tarEntries } from "./tar-entries.ts";
import { isLayerType, unpackLayer } from "./unpack-layer.ts";

const MAX_CONFIG_BYTES = 4 * 1024 * 1024;
/** Of one package database; Debian's largest have 10 MB. */
const MAX_DATABASE_BYTES = 64 * 1024 * 1024;
const configSchema = z.object({ created: z.string().max(64).optional() });

/** Blobs of images: manifests, configs and layers by digest (hex), whose bytes have that digest. */
export type OpenBlob = (sha256: string) => AsyncIterable<Uint8Array>;

/** What an image is made of and which packages are in it. */
export interface ImageContents extends FoundPackages {
  /** Seconds since 1970, from its config; 0 where it says none. */
  readonly created: number;
  /** From the lowest up. */
  readonly layers: readonly Descriptor[];
}

/**
 * Reads an image's layers from the lowest up and finds the package databases in what they leave; `sha256` is of its manifest. Memory holds
 * those databases, not layers. Throws ContainerError, ToolError `ABORTED` or a file system's error.
 */
export async function readImageContents(name: string, sha256: string, open: OpenBlob): Promise<ImageContents> {
  const { config, layers } = await refusing(`${name}: its manifest`, async () => parseImageManifest(await gather(open(sha256), MAX_MANIFEST_BYTES)));
  const strange = layers.find((layer) => !isLayerType(layer.mediaType));
  if (strange !== undefined) throw new ContainerError("IMAGE_UNREADABLE", `${name}: layer ${strange.digest} is no tar but ${JSON.stringify(strange.mediaType)}`, "name an image that nodes can run");
  const { created } = await refusing(`${name}: its config`, async () => parseJson(configSchema, await gather(open(hexOf(config)), MAX_CONFIG_BYTES), MAX_CONFIG_BYTES));
  const tree = new LayerTree(WATCHED);
  for (const layer of layers) {
    tree.nextLayer();
    await refusing(`${name}: layer ${layer.digest}`, async () => {
      for await (const entry of tarEntries(new ByteSource(unpackLayer(open(hexOf(layer)))), (path) => tree.wants(path), { file: MAX_DATABASE_BYTES })) tree.add(entry);
    });
  }
  return { created: secondsOf(created), layers, ...findPackages(tree, name) };
}

async function gather(chunks: AsyncIterable<Uint8Array>, max: number): Promise<Uint8Array> {
  const all: Uint8Array[] = [];
  let total = 0;
  for await (const chunk of chunks) {
    total += chunk.length;
    if (total > max) throw new WireError("TOO_LARGE", `more than ${max} bytes`);
    all.push(chunk);
  }
  return Buffer.concat(all);
}

function secondsOf(created: string | undefined): number {
  const ms = Date.parse(created ?? "");
  return Number.isNaN(ms) || ms < 0 ? 0 : Math.floor(ms / 1000);
}

async function refusing<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof ToolError || !(cause instanceof Error)) throw cause;
    const zlib = "code" in cause && typeof cause.code === "string" && /^(Z_|ZSTD_|ERR_ZSTD|ERR_ZLIB)/.test(cause.code);
    if (!(cause instanceof WireError) && !zlib) throw cause;
    const large = cause instanceof WireError && cause.code === "TOO_LARGE";
    throw new ContainerError(large ? "IMAGE_TOO_LARGE" : "IMAGE_UNREADABLE", `${what}: ${cause.message}`, "take another image: this one's packages can't be told", { cause });
  }
}
