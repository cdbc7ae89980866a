import { formatIpv4, parseCidr } from "../../proto/spec/cidr.ts";
import { MASTER_ROLE } from "../../proto/spec/schema.ts";
import type { RoleCount } from "./role-counts.ts";

/** What a new spec is about. */
export interface NewSpec {
  readonly cluster: string;
  readonly nodes: readonly RoleCount[];
  /** CIDR. */
  readonly lan: string;
}

/** Machines of the roles that need more, or less, than most. */
const SHAPES: Readonly<Record<string, string>> = { cp: "memory: 8GiB, cpus: 4", worker: "memory: 8GiB, cpus: 4", lb: "memory: 2GiB, cpus: 2", "qa-worker": "memory: 512MiB, cpus: 1" };
const SHAPE = "memory: 4GiB, cpus: 4";
const DOMAINS = ["a", "b", "c"] as const;
/** Of the LAN: the virtual address, and behind it the nodes. */
const FIRST_HOST = 10;

/** Text of a spec to start from, with comments. Whoever calls it parses it: counts and LAN may not go together. */
export function makeSpecText({ cluster, nodes: counts, lan }: NewSpec): string {
  const nodes = counts.flatMap(({ role, count }) => Array.from({ length: count }, (_, i) => ({ name: count === 1 ? role : `${role}-${i + 1}`, role, domain: DOMAINS[i % DOMAINS.length] ?? "a" })));
  const host = (n: number): string => formatIpv4(parseCidr(lan).network + FIRST_HOST + n);
  const has = (...roles: readonly string[]): boolean => roles.every((role) => counts.some((c) => c.role === role));
  const line = ({ name, role, domain }: (typeof nodes)[number], i: number): string => `    - { name: ${name}, role: ${role}, index: ${i + 1}, failureDomain: ${domain}, vm: { ${SHAPES[role] ?? SHAPE} } }\n`;
  return `# A cluster of kubedos. Every key is explained in docs/spec.md; what isn't understood is refused.
#   kubedos-build spec validate FILE    says what is wrong, and where
#   kubedos-build spec show FILE        says what it comes to
apiVersion: kubedos/v1
kind: ClusterSpec
metadata:
  # The cluster's keys are made for this name: kubedos-build keys init --cluster ${cluster} --dir keys
  name: ${cluster}

topology:
  # An image is made for each role, none for a node: a node more changes no image.
  roles: [${counts.map((c) => c.role).join(", ")}]
  # index: the node's address in every plane. failureDomain: what fails together, a host or a rack.
  nodes:
${nodes.map(line).join("")}
network:
  # Where nodes reach the hub, which runs on ${MASTER_ROLE}, before there is any plane.
  lan: ${lan}
  # gateway: ${host(-FIRST_HOST + 1)}
  addresses:
${nodes.map(({ name }, i) => `    ${name}: ${host(i + 1)}\n`).join("")}
trust:
  # How long a verdict counts, and how often it is given anew: whoever can't reach the hub for a lease loses its peers.
  lease: 15m
  renew: 5m
${has("etcd", "cp") ? kubernetes(has("lb") ? host(0) : undefined, has("prometheus")) : has("prometheus") ? observability("\nworkloads:\n") : ""}
targets:
  # Guests on this host.
  qemu: {}

# What can't be taken back has to be asked for.
destructive:
  wipeDisks: false
  destroyQuarantined: false
`;
}

function kubernetes(vip: string | undefined, metrics: boolean): string {
  return `
workloads:
  kubernetes:
    version: "1.34"
${vip === undefined ? "" : `    # Held by the nodes of role lb, one at a time.\n    apiVip: ${vip}\n`}${metrics ? observability("") : ""}`;
}

function observability(head: string): string {
  return `${head}  observability:
    metricsRetention: 15d
    logsRetention: 7d
`;
}
