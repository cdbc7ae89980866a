import { z } from "zod";
import { EK_QUIRK_NAMES } from "../release/ek-quirk.ts";
import { planeSchema } from "../release/image-config.ts";
import { EK_TRUST_LIMITS } from "../release/pins.ts";
import { dnsLabel, hexText } from "../wire/text.ts";
import { parseCidr, parseIpv4 } from "./cidr.ts";

/** The role whose one node runs the hub (DESIGN §1). */
export const MASTER_ROLE = "master";

const cidr = z.string().check((ctx) => tell(ctx, () => parseCidr(ctx.value)));
const ipv4 = z.string().check((ctx) => tell(ctx, () => parseIpv4(ctx.value)));

function tell(ctx: { readonly value: string; readonly issues: z.core.$ZodRawIssue[] }, parse: () => unknown): void {
  try {
    parse();
  } catch (e) {
    ctx.issues.push({ code: "custom", input: ctx.value, message: e instanceof Error ? e.message : "invalid" });
  }
}

/** "512MiB" or "2GiB" → MiB. */
const memory = z
  .string()
  .regex(/^[1-9]\d{0,5}(MiB|GiB)$/, 'must be a size like "512MiB" or "2GiB"')
  .transform((text) => Number.parseInt(text, 10) * (text.endsWith("GiB") ? 1024 : 1));

/** Machine shape, where the target makes the machine. Never enters an image (DESIGN §2.4). */
const vm = z.strictObject({
  /** MiB. */
  memory,
  cpus: z.int().min(1).max(256),
});

const node = z.strictObject({
  name: dnsLabel,
  role: dnsLabel,
  /** n: the node's address in each plane is the plane's network plus n. */
  index: z.int().min(1).max(65534),
  failureDomain: dnsLabel.optional(),
  vm,
});

const topology = z.strictObject({
  roles: z.array(dnsLabel).min(1).max(64),
  nodes: z.array(node).min(1).max(65534),
});

/** The planes of the design card; wg0 is reserved. */
const defaultPlanes = [
  { name: "wg1", cidr: "10.78.0.0/16", port: 51821, topology: "hub-and-spoke" },
  { name: "wg2", cidr: "10.79.0.0/16", port: 51822, topology: "hub-and-spoke" },
  { name: "wg3", cidr: "10.80.0.0/16", port: 51823, topology: "hub-and-spoke" },
] as const;

const network = z.strictObject({
  /** The network in which the nodes reach each other before there is any plane. */
  lan: cidr,
  planes: z.array(planeSchema.extend({ cidr })).length(3).default([...defaultPlanes]),
});

const UNITS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000 };

/** "90s", "15m" or "2h" → milliseconds. */
const duration = z
  .string()
  .regex(/^[1-9]\d{0,4}[smh]$/, 'must be a duration like "90s", "15m" or "2h"')
  .transform((text) => Number.parseInt(text, 10) * (UNITS[text.slice(-1)] ?? 1));

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

const trust = z.strictObject({
  /** How many operators must sign for a node (DESIGN §2.12). */
  approvals: z.int().min(1).max(2).default(1),
  /** How long a verdict counts (DESIGN §2.10); milliseconds. A node that can't reach the hub for this long loses its peers. */
  lease: duration.pipe(z.number().min(MINUTE_MS, "must be at least 1m").max(DAY_MS, "must be at most 24h")).prefault("15m"),
  /** How often it is given anew; milliseconds. */
  renew: duration.pipe(z.number().min(MINUTE_MS / 6, "must be at least 10s").max(DAY_MS, "must be at most 24h")).prefault("5m"),
  /** Folder, from the spec's own, with the certificates of TPM makers whose EK certificates anchor a machine (DESIGN §2.7). */
  ekRoots: z.string().min(1).max(1024).optional(),
  /** What of makers' deviations is put up with. */
  ekQuirks: z.array(z.enum(EK_QUIRK_NAMES)).default([]),
  /** SHA-256 of withdrawn certificates: of a TPM, an issuer or a root. */
  ekRevoked: z.array(hexText(32)).max(EK_TRUST_LIMITS.revoked).default([]),
});

const qemu = z.strictObject({
  /** Address of each node on the LAN. */
  lan: z.strictObject({ addresses: z.record(dnsLabel, ipv4) }),
});

/** Opt-ins for what can't be taken back; all off. */
const destructive = z.strictObject({
  wipeDisks: z.boolean().default(false),
  destroyQuarantined: z.boolean().default(false),
});

/** One cluster (DESIGN §4). `storage` and `workloads` have no keys yet: what isn't understood is refused, not ignored. */
export const clusterSpecSchema = z.strictObject({
  apiVersion: z.literal("kubedos/v1"),
  kind: z.literal("ClusterSpec"),
  metadata: z.strictObject({ name: dnsLabel }),
  topology,
  network,
  trust: trust.prefault({}),
  storage: z.strictObject({}).default({}),
  workloads: z.strictObject({}).default({}),
  targets: z.strictObject({ qemu: qemu.optional() }).default({}),
  destructive: destructive.prefault({}),
});

/** See {@link clusterSpecSchema}. */
export type ClusterSpec = z.output<typeof clusterSpecSchema>;
/** One machine of the cluster. */
export type SpecNode = ClusterSpec["topology"]["nodes"][number];
/** One WireGuard network of the cluster. */
export type SpecPlane = ClusterSpec["network"]["planes"][number];
