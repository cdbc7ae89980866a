import { nearest } from "../../proto/spec/nearest.ts";
import { type Problem, wrongKey, wrongValue } from "../../proto/spec/problem.ts";
import type { ClusterSpec } from "../../proto/spec/schema.ts";
import { formatSize } from "../../proto/spec/size.ts";

/** What a spec can get wrong about a role. */
export interface RoleFacts {
  readonly name: string;
  /** MiB. */
  readonly minMemory: number;
  /** Data volumes by the role's names; `size` is the least, in MiB. */
  readonly volumes?: readonly { readonly name: string; readonly size: number }[];
}

/** Where a spec doesn't fit the roles that there are: the part of its checks that needs their folders. */
export function* roleProblems(spec: ClusterSpec, roles: readonly RoleFacts[]): Generator<Problem> {
  const known = new Map(roles.map((role) => [role.name, role]));
  for (const [i, name] of spec.topology.roles.entries()) {
    if (known.has(name)) continue;
    const near = nearest(name, [...known.keys()]);
    yield wrongValue("UNKNOWN_ROLE", ["topology", "roles", i], `there is no role "${name}"`, near === undefined ? `for one of your own, put roles/${name}/role.yaml beside the spec` : `did you mean "${near}"?`);
  }
  for (const [i, node] of spec.topology.nodes.entries()) {
    const role = known.get(node.role);
    if (role === undefined) continue;
    const path = ["topology", "nodes", i, "vm"];
    if (node.vm.memory < role.minMemory) yield wrongValue("TOO_SMALL", [...path, "memory"], `"${node.name}" has ${formatSize(node.vm.memory)} of memory; role "${role.name}" needs ${formatSize(role.minMemory)}`);
    if (role.volumes !== undefined) yield* volumeProblems(spec, node, role.volumes, [...path, "volumes"]);
  }
}

/** A volume belongs to the role, to a pool or to Ceph; one that belongs to nobody would be made and never used. */
function* volumeProblems(spec: ClusterSpec, { name, role, vm }: ClusterSpec["topology"]["nodes"][number], wanted: NonNullable<RoleFacts["volumes"]>, path: readonly PropertyKey[]): Generator<Problem> {
  const { zfs, ceph } = spec.storage;
  const taken = [...zfs.pools.filter((p) => p.role === role).flatMap((p) => p.volumes), ...(ceph?.role === role ? [ceph.volume] : [])];
  for (const [volume, size] of Object.entries(vm.volumes)) {
    const own = wanted.find((v) => v.name === volume);
    if (own !== undefined && taken.includes(volume)) yield wrongKey("DUPLICATE", [...path, volume], `volume "${volume}" is role "${role}"'s own, and storage takes it too`, "give storage a volume of another name");
    if (own !== undefined && size < own.size) yield wrongValue("TOO_SMALL", [...path, volume], `volume "${volume}" of "${name}" has ${formatSize(size)}; role "${role}" needs ${formatSize(own.size)}`);
    if (own !== undefined || taken.includes(volume)) continue;
    const near = nearest(volume, wanted.map((v) => v.name));
    yield wrongKey("UNKNOWN_VOLUME", [...path, volume], `nothing on a node of role "${role}" uses a volume "${volume}"`, near !== undefined ? `did you mean "${near}"?` : `the role has ${wanted.map((v) => v.name).join(", ") || "none"}`);
  }
}
