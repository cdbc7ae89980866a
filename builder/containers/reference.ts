import { imageReference } from "../../proto/spec/image-reference.ts";

/** The parts of a container image's full reference. */
export interface ImageReference {
  /** Host, and port where it isn't the usual one. */
  readonly registry: string;
  readonly repository: string;
  /** Undefined where there is only a digest. */
  readonly tag: string | undefined;
  /** SHA-256 of the manifest or index, hex. */
  readonly digest: string | undefined;
}

/** Takes apart a full reference. Throws ZodError where it is none. */
export function parseReference(text: string): ImageReference {
  const [name = "", digest] = imageReference.parse(text).split("@sha256:");
  const slash = name.indexOf("/");
  const [repository = "", tag] = name.slice(slash + 1).split(":");
  return { registry: name.slice(0, slash), repository, tag, digest };
}
