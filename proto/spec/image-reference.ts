import { z } from "zod";

const REFERENCE = /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?(\.[a-z0-9-]+|:\d{1,5})(:\d{1,5})?(\/[a-z0-9]+([._-]+[a-z0-9]+)*)+(:[A-Za-z0-9_][A-Za-z0-9._-]{0,127})?(@sha256:[0-9a-f]{64})?$/;

/**
 * A container image by its full name: registry, repository, and a tag or a digest. Short names are refused, because which
 * registry they mean is the reader's setting; `latest` is, because it names another image each week.
 */
export const imageReference = z
  .string()
  .max(255, { abort: true })
  .regex(REFERENCE, { error: "must be a full reference like registry.k8s.io/pause:3.10", abort: true })
  .refine((text) => /[:@][^/]*$/.test(text), { error: "must name a tag or a digest", abort: true })
  .refine((text) => !/:latest$/.test(text), "must name a version, or a digest: latest is another image each week")
  .meta({ title: "image reference" });
