import { z } from "zod";
import { key } from "./key.ts";
import { label } from "./label.ts";
import { network } from "./sections/network.ts";
import { storage } from "./sections/storage.ts";
import { targets } from "./sections/targets.ts";
import { topology } from "./sections/topology.ts";
import { trust } from "./sections/trust.ts";
import { workloads } from "./sections/workloads.ts";

/** The role whose one node runs the hub (DESIGN §1). */
export const MASTER_ROLE = "master";

/** Opt-ins for what can't be taken back; all off. */
const destructive = z.strictObject({
  wipeDisks: key(z.boolean().default(false), "Volumes that hold something unknown may be overwritten.", "nothing yet, and `validate` says so: nothing overwrites a volume"),
  destroyQuarantined: key(z.boolean().default(false), "A target may destroy a machine that is in quarantine.", "nothing yet, and `validate` says so: nothing destroys one by itself"),
});

/** One cluster (DESIGN §4), as it is written and as it is read: {@link z.encode} turns a parsed spec back into a document. What isn't understood is refused, not ignored. */
export const clusterSpecSchema = z.strictObject({
  apiVersion: key(z.literal("kubedos/v1"), "Version of this format.", "every reader"),
  kind: key(z.literal("ClusterSpec"), "What the document is.", "every reader"),
  metadata: key(z.strictObject({ name: key(label, "Name of the cluster, the one that its keys were made for.", "images, keys, the hub") }), "Who it is.", "images"),
  topology: key(topology, "Images, and the machines that boot them.", "`lock`, `build`, targets"),
  network: key(network, "LAN and planes.", "images, targets"),
  trust: key(trust.prefault({}), "What it takes to be a node, and for how long.", "images, pins"),
  storage: key(storage.prefault({}), "Data that outlives a boot.", "see its keys"),
  workloads: key(workloads.prefault({}), "What the cluster is for.", "see its keys"),
  targets: key(targets.prefault({}), "Where machines may be made.", "`deploy`"),
  destructive: key(destructive.prefault({}), "Opt-ins for what can't be taken back; all off.", "see its keys"),
});

/** See {@link clusterSpecSchema}. */
export type ClusterSpec = z.output<typeof clusterSpecSchema>;
/** A ClusterSpec as it is written: sizes and durations are text. */
export type ClusterSpecDocument = z.input<typeof clusterSpecSchema>;
/** One machine of the cluster. */
export type SpecNode = ClusterSpec["topology"]["nodes"][number];
/** One WireGuard network of the cluster. */
export type SpecPlane = ClusterSpec["network"]["planes"][number];
