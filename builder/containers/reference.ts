import { z } from "zod";

// distribution's reference grammar, without the short forms that mean a registry nobody named.
const HOST = "(?:localhost|[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)+)(?::[0-9]{1,5})?|[a-z0-9.-]{1,253}:[0-9]{1,5}";
const COMPONENT = "[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*";
const REFERENCE = new RegExp(`^(${HOST})/(${COMPONENT}(?:/${COMPONENT})*)(?::([A-Za-z0-9_][A-Za-z0-9._-]{0,127}))?(?:@sha256:([0-9a-f]{64}))?$`);

/** A container image's name with its registry and a tag, a digest or both: "registry.k8s.io/pause:3.10". */
export const imageReference = z
  .string()
  .max(512)
  .refine((text) => {
    const match = REFERENCE.exec(text);
    return match !== null && (match[3] ?? match[4]) !== undefined;
  }, "must be a container image with its registry and a tag or digest, as registry.k8s.io/pause:3.10");

/** The parts of an {@link imageReference}. */
export interface ImageReference {
  /** Host, and port where it isn't the usual one. */
  readonly registry: string;
  readonly repository: string;
  /** Undefined where there is only a digest. */
  readonly tag: string | undefined;
  /** SHA-256 of the manifest or index, hex. */
  readonly digest: string | undefined;
}

/** Takes apart what {@link imageReference} has let pass. */
export function parseReference(text: string): ImageReference {
  const [, registry = "", repository = "", tag, digest] = REFERENCE.exec(imageReference.parse(text)) ?? [];
  return { registry, repository, tag, digest };
}
