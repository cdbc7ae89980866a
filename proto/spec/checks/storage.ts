import { formatSize } from "../size.ts";
import { type Check, type Problem, wrongKey, wrongValue } from "../problem.ts";
import type { ClusterSpec } from "../schema.ts";
import { nodesOf } from "./quorum.ts";

type Pool = ClusterSpec["storage"]["zfs"]["pools"][number];

/** Fewest volumes of a layout, and how many of them hold no data of their own. */
const LAYOUTS: Readonly<Record<Pool["layout"], { readonly least: number; readonly most: number; readonly spare: (volumes: number) => number }>> = {
  single: { least: 1, most: 1, spare: () => 0 },
  mirror: { least: 2, most: 16, spare: (n) => n - 1 },
  raidz1: { least: 3, most: 16, spare: () => 1 },
  raidz2: { least: 4, most: 16, spare: () => 2 },
  raidz3: { least: 5, most: 16, spare: () => 3 },
};

/** Each pool belongs to a role with nodes, has volumes of its own, as many as its layout takes, and every node has them in one size. */
export const poolsAreWhole: Check = function* (spec) {
  const { pools } = spec.storage.zfs;
  for (const [i, pool] of pools.entries()) {
    const path = ["storage", "zfs", "pools", i];
    const siblings = pools.slice(0, i).filter((other) => other.role === pool.role);
    if (siblings.some((other) => other.name === pool.name)) yield wrongValue("DUPLICATE", [...path, "name"], `role "${pool.role}" has a pool "${pool.name}" already`, "pools of one role have different names");
    const { least, most } = LAYOUTS[pool.layout];
    const count = pool.volumes.length;
    if (count < least || count > most) yield wrongValue("BAD_VALUE", [...path, "layout"], `layout ${pool.layout} takes ${least === most ? `${least} volume` : `at least ${least} volumes`}; pool "${pool.name}" has ${count}`);
    for (const [j, volume] of pool.volumes.entries()) {
      const other = siblings.find((p) => p.volumes.includes(volume));
      if (other !== undefined) yield wrongValue("DUPLICATE", [...path, "volumes", j], `volume "${volume}" is in pool "${other.name}" already`, "a volume is in one pool");
      if (pool.volumes.indexOf(volume) !== j) yield wrongValue("DUPLICATE", [...path, "volumes", j], `volume "${volume}" is listed twice`, "a volume is in a pool once");
      yield* nodesHaveVolume(spec, pool.role, volume, [...path, "volumes", j]);
    }
    yield* roleHasNodes(spec, pool.role, [...path, "role"], `pool "${pool.name}"`);
    yield* volumesAreEven(spec, pool);
  }
};

function* roleHasNodes(spec: ClusterSpec, role: string, path: readonly PropertyKey[], what: string): Generator<Problem> {
  if (nodesOf(spec, role).length === 0) yield wrongValue("MISSING_ROLE", path, `${what} is for role "${role}", which no node has`, `roles with nodes: ${spec.topology.roles.join(", ")}`);
}

function* nodesHaveVolume(spec: ClusterSpec, role: string, volume: string, path: readonly PropertyKey[]): Generator<Problem> {
  const without = nodesOf(spec, role).find(([, node]) => !Object.hasOwn(node.vm.volumes, volume));
  if (without === undefined) return;
  yield wrongValue("MISSING_VOLUME", path, `node "${without[1].name}" of role "${role}" has no volume "${volume}"`, `add "${volume}: SIZE" to its vm.volumes`);
}

/** OpenZFS takes the smallest of a vdev for all of them; what the others have more is lost without a word. */
function* volumesAreEven(spec: ClusterSpec, pool: Pool): Generator<Problem> {
  for (const [n, node] of nodesOf(spec, pool.role)) {
    const sizes = pool.volumes.flatMap((v) => (Object.hasOwn(node.vm.volumes, v) ? [node.vm.volumes[v] ?? 0] : []));
    if (new Set(sizes).size > 1) yield wrongKey("BAD_VALUE", ["topology", "nodes", n, "vm", "volumes"], `the volumes of pool "${pool.name}" on node "${node.name}" differ in size`, "OpenZFS uses of each only as much as the smallest has");
  }
}

/** On one role no two datasets have one name or one mountpoint. */
export const datasetsAreApart: Check = function* ({ storage: { zfs } }) {
  const names = new Set<string>();
  const mounts = new Map<string, string>();
  for (const [i, pool] of zfs.pools.entries()) {
    for (const [j, dataset] of pool.datasets.entries()) {
      const path = ["storage", "zfs", "pools", i, "datasets", j];
      const full = `${pool.name}/${dataset.name}`;
      const [name, mount] = [`${pool.role} ${full}`, `${pool.role} ${dataset.mountpoint ?? ""}`];
      if (names.has(name)) yield wrongValue("DUPLICATE", [...path, "name"], `dataset ${full} is there twice`, "datasets of one pool have different names");
      names.add(name);
      if (dataset.mountpoint === undefined) continue;
      const other = mounts.get(mount);
      if (other !== undefined) yield wrongValue("DUPLICATE", [...path, "mountpoint"], `${dataset.mountpoint} of ${full} is also the mountpoint of ${other}`, "one would hide the other");
      mounts.set(mount, full);
    }
  }
};

/** No quota promises more than the smallest node's pool can hold. */
export const quotasFit: Check = function* (spec) {
  for (const [i, pool] of spec.storage.zfs.pools.entries()) {
    const room = Math.min(...nodesOf(spec, pool.role).map(([, node]) => capacity(pool, node.vm.volumes)));
    for (const [j, { name, quota }] of pool.datasets.entries()) {
      if (quota === undefined || quota <= room || room <= 0) continue;
      yield wrongValue("OVERFLOW", ["storage", "zfs", "pools", i, "datasets", j, "quota"], `quota ${formatSize(quota)} of ${pool.name}/${name} is more than its pool holds`, `on the smallest node that is ${formatSize(room)}`);
    }
  }
};

/** MiB; 0 where a volume is missing or the layout has too few, which is another check's to say. */
function capacity(pool: Pool, volumes: Readonly<Record<string, number>>): number {
  const sizes = pool.volumes.map((v) => (Object.hasOwn(volumes, v) ? (volumes[v] ?? 0) : 0));
  return Math.max(0, (sizes.length - LAYOUTS[pool.layout].spare(sizes.length)) * Math.min(...sizes));
}

/** Ceph has nodes, a volume of its own on each, and a failure domain for every copy. */
export const cephIsWhole: Check = function* (spec) {
  const { ceph, zfs } = spec.storage;
  if (ceph === undefined) return;
  const path = ["storage", "ceph"];
  yield* roleHasNodes(spec, ceph.role, [...path, "role"], "Ceph");
  yield* nodesHaveVolume(spec, ceph.role, ceph.volume, [...path, "volume"]);
  const pool = zfs.pools.find((p) => p.role === ceph.role && p.volumes.includes(ceph.volume));
  if (pool !== undefined) yield wrongValue("DUPLICATE", [...path, "volume"], `volume "${ceph.volume}" is in pool "${pool.name}" already`, "Ceph needs one of its own");
  const nodes = nodesOf(spec, ceph.role);
  if (ceph.failureDomain === "domain") {
    const lost = nodes.find(([, n]) => n.failureDomain === undefined);
    if (lost !== undefined) yield wrongKey("FAILURE_DOMAIN", ["topology", "nodes", lost[0]], `"${lost[1].name}" holds copies of Ceph and has no failureDomain`, "storage.ceph.failureDomain asks for one on each");
  }
  const domains = ceph.failureDomain === "node" ? nodes.length : new Set(nodes.flatMap(([, n]) => n.failureDomain ?? [])).size;
  if (nodes.length > 0 && domains < ceph.replicas) yield wrongKey("FAILURE_DOMAIN", [...path, "failureDomain"], `${ceph.replicas} copies don't fit ${domains} failure ${domains === 1 ? "domain" : "domains"} of kind "${ceph.failureDomain}"`, "each copy needs one of its own");
};

/** While failure domains are being replaced, two copies stay: one alone can't tell that it is the good one. */
export const cephOutlivesReplacement: Check = function* ({ storage: { ceph } }) {
  if (ceph === undefined || ceph.replicas - ceph.replacement.atOnce >= 2) return;
  yield wrongValue("QUORUM", ["storage", "ceph", "replacement", "atOnce"], `replacing ${ceph.replacement.atOnce} at once leaves fewer than two of ${ceph.replicas} copies`, `at most ${ceph.replicas - 2}`);
};
