import { createPublicKey, type KeyObject } from "node:crypto";
import { fromBase64 } from "../wire/base64.ts";
import type { ImageConfig } from "./image-config.ts";

/** The keys that sign releases, pins and deliveries of an image's cluster. Throws node's error on one that is no key. */
export function releaseKeysOf({ releaseKeys }: Pick<ImageConfig, "releaseKeys">): readonly KeyObject[] {
  return releaseKeys.map((spki) => createPublicKey({ key: Buffer.from(fromBase64(spki)), format: "der", type: "spki" }));
}
