import { z } from "zod";
import { type ClusterSpec, type ClusterSpecDocument, clusterSpecSchema } from "./schema.ts";

/** A spec as a document with every default written down; sizes and durations are text again. Parsing it gives the same spec. */
export function specDocument(spec: ClusterSpec): ClusterSpecDocument {
  return z.encode(clusterSpecSchema, spec);
}
