import { z } from "zod";
import { clusterSpecSchema } from "./schema.ts";

/** JSON Schema (2020-12) of a ClusterSpec as it is written: every shape. Relations between values are not in it; the parser alone knows them. */
export function clusterSpecJsonSchema(): object {
  return { title: "kubedos ClusterSpec", ...z.toJSONSchema(clusterSpecSchema, { io: "input", target: "draft-2020-12" }) };
}
