import { hash } from "node:crypto";
import type { LockedImage } from "../../lock/extras.ts";

/** An image as blobs by digest (hex). */
export interface SmallImage {
  /** Digest of the manifest, hex. */
  readonly sha256: string;
  readonly blobs: ReadonlyMap<string, Uint8Array>;
  /** As a lock names it, from a registry on this machine that nobody asks. */
  readonly locked: (name: string) => LockedImage;
}

/** A form for a layer that says what most do. */
export const LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar+gzip";
const MANIFEST = "application/vnd.oci.image.manifest.v1+json";

/** An image of these layers, lowest first. */
export function smallImage(layers: readonly Uint8Array[], { created = "2024-05-06T07:08:09.123456789Z", mediaType = LAYER_TYPE }: { readonly created?: string; readonly mediaType?: string } = {}): SmallImage {
  const blobs = new Map<string, Uint8Array>();
  const put = (data: Uint8Array): { readonly sha256: string; readonly size: number } => {
    const sha256 = hash("sha256", data, "hex");
    blobs.set(sha256, data);
    return { sha256, size: data.length };
  };
  const described = ({ sha256, size }: { readonly sha256: string; readonly size: number }): object => ({ digest: `sha256:${sha256}`, size });
  const config = put(Buffer.from(JSON.stringify({ architecture: "amd64", os: "linux", created })));
  const parts = layers.map(put);
  const manifest = put(Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: MANIFEST, config: { mediaType: "application/vnd.oci.image.config.v1+json", ...described(config) }, layers: parts.map((p) => ({ mediaType, ...described(p) })) })));
  return {
    ...{ sha256: manifest.sha256, blobs },
    locked: (name) => ({ name, registry: name.slice(0, name.indexOf("/")), repository: name.slice(name.indexOf("/") + 1).replace(/[:@].*$/, ""), mediaType: MANIFEST, ...manifest, config, layers: parts }),
  };
}
