import { nodeAddress } from "../../proto/spec/cidr.ts";
import type { ClusterSpec, SpecNode } from "../../proto/spec/schema.ts";
import { formatSize } from "../../proto/spec/size.ts";

/** A node with everything that follows from the spec: what `spec show --node` prints. */
export interface NodeFacts {
  readonly name: string;
  readonly role: string;
  readonly index: number;
  readonly failureDomain?: string;
  /** Null where DHCP says it. */
  readonly lan: string | null;
  /** Its address in each plane, by the plane's name. */
  readonly planes: Readonly<Record<string, string>>;
  readonly vm: { readonly memory: string; readonly cpus: number; readonly disk?: string; readonly volumes: Readonly<Record<string, string>> };
  readonly vmid?: number;
}

/** What follows for one node. */
export function nodeFacts(spec: ClusterSpec, { name, role, index, failureDomain, vm }: SpecNode): NodeFacts {
  const vmid = spec.targets.proxmox?.vmids[name];
  const planes = [...spec.network.planes].sort((a, b) => (a.name < b.name ? -1 : 1));
  return {
    name,
    role,
    index,
    ...(failureDomain === undefined ? {} : { failureDomain }),
    lan: spec.network.addresses?.[name] ?? null,
    planes: Object.fromEntries(planes.map((plane) => [plane.name, nodeAddress(plane.cidr, index)])),
    vm: {
      memory: formatSize(vm.memory),
      cpus: vm.cpus,
      ...(vm.disk === undefined ? {} : { disk: formatSize(vm.disk) }),
      volumes: Object.fromEntries(Object.entries(vm.volumes).map(([volume, size]) => [volume, formatSize(size)])),
    },
    ...(vmid === undefined ? {} : { vmid }),
  };
}
