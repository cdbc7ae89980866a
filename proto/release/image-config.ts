import { z } from "zod";
import { planeName } from "../evidence/claims.ts";
import { parseJson } from "../wire/json.ts";
import { base64Text, dnsLabel } from "../wire/text.ts";

/** Where a port is reachable: the cluster's LAN (eth0), the operators' network (eth1), or one plane. */
export const zone = z.enum(["lan", "admin", "wg1", "wg2", "wg3"]);
/** See {@link zone}. */
export type Zone = z.output<typeof zone>;

/** One hole in a role's firewall; everything else is dropped, in both directions (DESIGN §4 "Planes"). */
export const portRule = z.strictObject({
  direction: z.enum(["in", "out"]),
  zone,
  protocol: z.enum(["tcp", "udp"]),
  port: z.int().min(1).max(65535),
  what: z.string().max(80),
});
/** See {@link portRule}. */
export type PortRule = z.output<typeof portRule>;

/** One plane as the image knows it: no node's address (DESIGN §2.4), only the network. */
export const planeSchema = z.strictObject({
  name: planeName,
  cidr: z.cidrv4(),
  port: z.int().min(1).max(65535),
  topology: z.enum(["hub-and-spoke"]),
});
/** See {@link planeSchema}. */
export type Plane = z.output<typeof planeSchema>;

/** How long a verdict counts and how often it is given anew (DESIGN §2.10), milliseconds. */
export const leaseRule = z
  .strictObject({ leaseMs: z.int().min(1000).max(86_400_000), renewMs: z.int().min(100).max(86_400_000) })
  .refine((rule) => rule.renewMs * 2 <= rule.leaseMs, "a lease must outlast two renewals");
/** See {@link leaseRule}. */
export type LeaseRule = z.output<typeof leaseRule>;

/** A data volume of the role (DESIGN §2.3): the disk's serial is `kubedos-NAME`. */
export const volumeSchema = z.strictObject({
  name: dnsLabel.max(12),
  /** Under /srv or /var; made at boot. */
  mount: z.string().regex(/^\/(srv|var)(\/[a-z0-9][a-z0-9._-]{0,62}){1,6}$/, "must be a path under /srv or /var"),
});
/** See {@link volumeSchema}. */
export type Volume = z.output<typeof volumeSchema>;

/** `/etc/kubedos/image.json`, covered by the dm-verity root hash and so by PCR 4 and PCR 11. */
export const imageConfigSchema = z.strictObject({
  kind: z.literal("kubedos/image"),
  version: z.literal(1),
  cluster: dnsLabel,
  role: dnsLabel,
  /** True on the role that runs kubedos-hub. */
  hub: z.boolean(),
  planes: z.array(planeSchema).length(3),
  ports: z.array(portRule).max(64),
  /** Ed25519 SPKIs whose signature makes a release or a delivery. */
  releaseKeys: z.array(base64Text(128)).min(1).max(4),
  /** PEM of the cluster's root CA. */
  rootCa: z.string().max(4096),
  epoch: z.int().nonnegative(),
  trust: leaseRule,
  /** RSA SPKI of the key that approves PCR policies; nothing is sealed for any other. */
  policyKey: base64Text(512).optional(),
  volumes: z.array(volumeSchema).min(1).max(16).optional(),
});
/** See {@link imageConfigSchema}. */
export type ImageConfig = z.output<typeof imageConfigSchema>;

/** File bytes → configuration. Throws WireError. */
export function parseImageConfig(data: Uint8Array): ImageConfig {
  return parseJson(imageConfigSchema, data, 64 * 1024);
}
