import { z } from "zod";
import { planeName } from "../../evidence/claims.ts";
import { duration } from "../duration.ts";
import { key } from "../key.ts";
import { label } from "../label.ts";
import { size } from "../size.ts";

const LATER = "not used yet: convergence";
const onOff = z.enum(["on", "off"]);

/** zpool(8) keeps these words, and names that look like them, for itself. */
const poolName = z
  .string()
  .regex(/^[a-z][a-z0-9_-]{0,31}$/, { error: "must be a short lower-case name", abort: true })
  .refine((name) => !/^(mirror|raidz|draid|spare|log$|c\d)/.test(name), "must be another name: OpenZFS keeps this one for itself");

const datasetName = z.string().max(128, { abort: true }).regex(/^[a-z0-9][a-z0-9_.-]*(\/[a-z0-9][a-z0-9_.-]*)*$/, 'must be a path below the pool, like "prometheus" or "logs/loki"');

/** Data lives below /srv and /var/lib. /var/lib/kubedos is the agent's and the hub's own. */
const mountpoint = z
  .string()
  .max(255, { abort: true })
  .regex(/^\/(srv|var\/lib)(\/[A-Za-z0-9_-][A-Za-z0-9._-]*)+$/, { error: "must be a folder below /srv or /var/lib", abort: true })
  .refine((path) => !/^\/var\/lib\/(kubedos|dpkg|systemd)(\/|$)/.test(path), "must not be a folder of the system itself");

/** Only what shapes performance and space: what may be run or opened from a volume is not the spec's to say. */
const properties = z.strictObject({
  atime: key(onOff.optional(), "Whether reading a file writes its access time.", LATER),
  compression: key(z.enum(["off", "lz4", "zstd"]).optional(), "How blocks are compressed.", LATER),
  copies: key(z.int().min(1).max(3).optional(), "Copies of each block, beside those of the layout.", LATER),
  logbias: key(z.enum(["latency", "throughput"]).optional(), "What synchronous writes are tuned for.", LATER),
  primarycache: key(z.enum(["all", "metadata", "none"]).optional(), "What is kept in memory.", LATER),
  recordsize: key(z.enum(["4KiB", "8KiB", "16KiB", "32KiB", "64KiB", "128KiB", "256KiB", "512KiB", "1MiB"]).optional(), "Largest block of a file.", LATER),
  snapdir: key(z.enum(["hidden", "visible"]).optional(), "Whether `.zfs` shows in listings.", LATER),
  sync: key(z.enum(["standard", "always"]).optional(), "When a write is on disk. `disabled` isn't offered: it loses what was promised.", LATER),
});

const dataset = z.strictObject({
  name: key(datasetName, "Path of the dataset below its pool.", LATER),
  mountpoint: key(mountpoint.optional(), "Where it is mounted, always nodev, nosuid and noexec; without it nowhere.", LATER),
  quota: key(size.optional(), "The most it may take, snapshots included.", LATER),
  properties: key(properties.prefault({}), "Properties of OpenZFS that differ from its defaults.", LATER),
});

const pool = z.strictObject({
  role: key(label, "Every node of this role has the pool.", LATER),
  name: key(poolName, "Name of the pool; one role has it once.", LATER),
  layout: key(z.enum(["single", "mirror", "raidz1", "raidz2", "raidz3"]), "How the volumes make one vdev; it takes 1, 2, 3, 4 or 5 of them at least (`single`: exactly 1).", LATER),
  volumes: key(z.array(label).min(1).max(16), "Data volumes that it is made of; each node of the role has them in `vm.volumes`. They are encrypted below OpenZFS.", LATER),
  datasets: key(z.array(dataset).max(256).prefault([]), "Datasets of the pool.", LATER),
});

/** Nothing here has a default: whoever runs Ceph has to have thought about each (specification §11.2). */
const replacement = z.strictObject({
  after: key(duration("1m", "7d"), "How long a lost node may be away before its data is made anew from the others.", LATER),
  atOnce: key(z.int().min(1).max(16), "How many failure domains may be replaced at once; at least two copies have to stay.", LATER),
  drain: key(z.boolean(), "Whether a node that still answers is emptied before it is replaced.", LATER),
});

const ceph = z.strictObject({
  role: key(label, "Every node of this role holds data.", LATER),
  volume: key(label, "The data volume that it gives to Ceph; in `vm.volumes` of each of these nodes.", LATER),
  failureDomain: key(z.enum(["node", "domain"]), "What no two copies may share: a node, or a `failureDomain` of the topology.", LATER),
  plane: key(planeName, "The plane that carries Ceph's traffic.", LATER),
  replicas: key(z.int().min(3).max(7).default(3), "Copies of each object.", LATER),
  replacement: key(replacement, "What happens when a node is lost or replaced.", LATER),
});

/** Data that outlives a boot. */
export const storage = z.strictObject({
  zfs: key(z.strictObject({ pools: key(z.array(pool).max(64).prefault([]), "Pools, by role.", LATER) }).prefault({}), "OpenZFS.", "see its keys"),
  ceph: key(ceph.optional(), "Ceph; off unless this is here.", LATER),
});
