import { z } from "zod";
import { cidr, ipv4 } from "../address.ts";
import { duration } from "../duration.ts";
import { imageReference } from "../image-reference.ts";
import { key } from "../key.ts";

const LATER = "not used yet: convergence";

const kubernetes = z.strictObject({
  version: key(z.string({ error: 'must be text like "1.34": in quotes, or 1.30 becomes 1.3' }).regex(/^1\.(0|[1-9]\d?)(\.(0|[1-9]\d?))?$/, 'must be a version like "1.34" or "1.34.2"'), "Minor version, or one release of it.", LATER),
  podCidr: key(cidr.default("10.244.0.0/16"), "Addresses of pods; it overlaps no other network.", LATER),
  serviceCidr: key(cidr.default("10.96.0.0/16"), "Addresses of services; it overlaps no other network.", LATER),
  apiVip: key(ipv4.optional(), "Address in the LAN behind which the load balancers offer the API.", LATER),
  cni: key(z.enum(["cilium"]).default("cilium"), "Pod network.", LATER),
});

const observability = z.strictObject({
  metricsRetention: key(duration("1h", "3650d").prefault("15d"), "How long Prometheus keeps samples.", LATER),
  logsRetention: key(duration("1h", "3650d").prefault("7d"), "How long Loki keeps lines.", LATER),
});

/** What the cluster is for. Never part of an image. */
export const workloads = z.strictObject({
  kubernetes: key(kubernetes.optional(), "The reference workload; needs nodes of the roles `etcd` and `cp`.", LATER),
  observability: key(observability.optional(), "Metrics and logs; needs nodes of the role `prometheus`.", LATER),
  images: key(z.array(imageReference).max(1024).default([]), "Container images beside those that the roles name, by full reference.", "lock, darksites"),
});
