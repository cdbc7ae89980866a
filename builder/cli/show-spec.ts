import type { ClusterSpec, SpecNode } from "../../proto/spec/schema.ts";
import { formatDuration } from "../../proto/spec/duration.ts";
import { formatSize } from "../../proto/spec/size.ts";
import { renderTable } from "./render-table.ts";
import { type NodeFacts, nodeFacts } from "../spec/node-facts.ts";

/** The spec for people: what holds for the whole cluster, then a line for each node. */
export function showSpec(spec: ClusterSpec): string {
  return `${showCluster(spec)}\n${showNodes(spec)}`;
}

/** One node for people. */
export function showNode(node: NodeFacts): string {
  const volumes = Object.entries(node.vm.volumes).map(([name, size]) => `${name} ${size}`);
  return lines([
    ["name", node.name],
    ["role", node.role],
    ["index", `${node.index}`],
    ["failure domain", node.failureDomain ?? "-"],
    ["LAN", node.lan ?? "DHCP"],
    ...Object.entries(node.planes),
    ["machine", `cpus ${node.vm.cpus}, memory ${node.vm.memory}, disk ${node.vm.disk ?? "as the image's"}`],
    ["volumes", volumes.join(", ") || "-"],
    ...(node.vmid === undefined ? [] : ([["VMID", `${node.vmid}`]] as const)),
  ]);
}

function showCluster({ metadata, topology, network, trust, storage, workloads, targets, destructive }: ClusterSpec): string {
  const domains = new Set(topology.nodes.flatMap((n) => n.failureDomain ?? []));
  const { kubernetes, observability, images } = workloads;
  const on = Object.entries(destructive).flatMap(([name, value]) => (value ? [name] : []));
  const rows: (readonly [string, string])[] = [
    ["cluster", `${metadata.name}: ${topology.nodes.length} nodes, ${topology.roles.length} roles, ${domains.size} failure domains`],
    ["LAN", `${network.lan}${network.gateway === undefined ? "" : `, gateway ${network.gateway}`}`],
    ...network.planes.map((p) => [p.name, `${p.cidr}, udp ${p.port}, ${p.topology}`] as const),
    ["trust", `${trust.approvals} approval${trust.approvals === 1 ? "" : "s"}, lease ${formatDuration(trust.lease)}, renewed every ${formatDuration(trust.renew)}`],
    ...storage.zfs.pools.map((p) => ["pool", `${p.role}/${p.name}: ${p.layout} of ${p.volumes.join(", ")}; ${p.datasets.map((d) => `${d.name}${d.quota === undefined ? "" : ` ${formatSize(d.quota)}`}`).join(", ") || "no datasets"}`] as const),
  ];
  const { ceph } = storage;
  if (ceph !== undefined) rows.push(["Ceph", `${ceph.role}/${ceph.volume}: ${ceph.replicas} copies over ${ceph.plane}, none with another's ${ceph.failureDomain}`]);
  if (kubernetes !== undefined) rows.push(["Kubernetes", `${kubernetes.version}, API ${kubernetes.apiVip ?? "without a VIP"}, pods ${kubernetes.podCidr}, services ${kubernetes.serviceCidr}, ${kubernetes.cni}`]);
  if (observability !== undefined) rows.push(["observability", `metrics ${formatDuration(observability.metricsRetention)}, logs ${formatDuration(observability.logsRetention)}`]);
  if (images.length > 0) rows.push(["images", `${images.length} beside those of the roles`]);
  rows.push(["targets", [targets.qemu === undefined ? [] : "qemu", targets.proxmox === undefined ? [] : `proxmox (${targets.proxmox.node}, ${targets.proxmox.storage}, ${targets.proxmox.bridge})`].flat().join(", ") || "-"]);
  rows.push(["destructive", on.join(", ") || "nothing"]);
  return lines(rows);
}

function showNodes(spec: ClusterSpec): string {
  const planes = spec.network.planes.map((p) => p.name).sort();
  const headers = ["NAME", "ROLE", "FD", "LAN", ...planes.map((p) => p.toUpperCase()), "MACHINE", ...(spec.targets.proxmox === undefined ? [] : ["VMID"])];
  const rows = spec.topology.nodes.map((node) => {
    const { name, role, failureDomain, lan, planes: addresses, vmid } = nodeFacts(spec, node);
    return [name, role, failureDomain ?? "", lan ?? "", ...planes.map((p) => addresses[p] ?? ""), machine(node), ...(vmid === undefined ? [] : [`${vmid}`])];
  });
  return renderTable(headers, rows);
}

/** Processors, memory, and all disks together. */
function machine({ vm }: SpecNode): string {
  const disks = (vm.disk ?? 0) + Object.values(vm.volumes).reduce((a, b) => a + b, 0);
  return `${vm.cpus}c/${formatSize(vm.memory)}${disks === 0 ? "" : `/${formatSize(disks)}`}`;
}

function lines(rows: readonly (readonly [label: string, value: string])[]): string {
  const width = Math.max(...rows.map(([label]) => label.length)) + 2;
  return rows.map(([label, value]) => `${label.padEnd(width)}${value}\n`).join("");
}
