import type { SpecErrorCode } from "../error.ts";

/** Specs in `examples/` that are spoilt. */
export type ExampleName = "demo" | "16-node";

/** An example with one thing spoilt, and what has to be said of it. */
export interface BrokenSpec {
  readonly name: string;
  readonly good: string;
  readonly text: string;
  readonly code: SpecErrorCode;
  readonly message: string | RegExp;
  /** Line and column at which the fault is shown. */
  readonly place?: readonly [number, number];
}

type Row = readonly [name: string, from: string | RegExp, to: string | ((match: string) => string), code: SpecErrorCode, message: string | RegExp, place?: readonly [number, number]];

const demo: readonly Row[] = [
  ["misspelt key", "failureDomain: a, vm: { memory: 512", "failurDomain: a, vm: { memory: 512", "UNKNOWN_KEY", /"failurDomain" in topology.nodes.0 .*did you mean "failureDomain"/, [10, 47]],
  ["misspelt section", "trust:", "trsut:", "UNKNOWN_KEY", /did you mean "trust"/, [26, 1]],
  ["key that is like none", "trust:", "xylophone: 1\ntrust:", "UNKNOWN_KEY", /known keys: apiVersion, kind/],
  ["key with a terminal's command in it", "trust:", '"\\u009b2J": 1\ntrust:', "UNKNOWN_KEY", /unknown key "\?2J"/],
  ["key in an empty section", "qemu: {}", "qemu: { accel: kvm }", "UNKNOWN_KEY", /no keys are known here/],
  ["missing section", /^network:[\s\S]*?\n\n/m, "", "MISSING_KEY", /network is missing \(every spec needs it\)/],
  ["missing key", "role: worker, index: 3", "role: worker", "MISSING_KEY", /topology.nodes.2.index is missing \(topology.nodes.2 needs it\)/, [12, 7]],
  ["another version", "kubedos/v1", "kubedos/v2", "BAD_VALUE", /apiVersion/, [2, 13]],
  ["no DNS label", "name: demo", "name: Demo", "BAD_VALUE", /DNS label/, [5, 9]],
  ["path as a name", "name: worker-1,", "name: ../../etc,", "BAD_VALUE", /DNS label/],
  ["memory without a unit", "512MiB", "512", "BAD_VALUE", /vm.memory/],
  ["index as text", "index: 2", 'index: "2"', "BAD_VALUE", /topology.nodes.1.index: must be a whole number/],
  ["index 0", "index: 2", "index: 0", "BAD_VALUE", /index/],
  ["index beyond every plane", "index: 2", "index: 65535", "BAD_VALUE", /index/],
  ["index beyond one plane", "10.79.0.0/16", "10.79.0.0/30", "OVERFLOW", /index 3 .*10\.79\.0\.0\/30.*highest is 2/, [12, 46]],
  ["name twice", /name: worker-2, (.*)/, "name: worker-1, $1", "DUPLICATE", /"worker-1" is used twice/, [12, 15]],
  ["index twice", "index: 3", "index: 2", "DUPLICATE", /next free one is 3/, [12, 46]],
  ["role twice", "[master, worker]", "[master, worker, worker]", "DUPLICATE", /listed twice/],
  ["role that nobody has", "[master, worker]", "[master, worker, storage]", "UNUSED_ROLE", /"storage"/, [8, 27]],
  ["role that isn't listed", "role: worker, index: 3", "role: workr, index: 3", "UNKNOWN_ROLE", /did you mean "worker"/, [12, 31]],
  ["two masters", "role: worker, index: 3", "role: master, index: 3", "MASTER_COUNT", /second node/, [12, 31]],
  ["no master", /master/g, "mistress", "MASTER_COUNT", /no node has the role "master"/],
  ["planes overlap", "10.79.0.0/16", "10.78.128.0/17", "OVERLAP", /wg2 overlaps 10\.78\.0\.0\/16 of wg1/, [19, 26]],
  ["plane and LAN overlap", "10.80.0.0/16", "10.100.0.0/16", "OVERLAP", /10\.100\.0\.0\/16 of wg3 overlaps 10\.100\.10\.0\/24 of the LAN/, [20, 26]],
  ["host bits in a network", "10.79.0.0/16", "10.79.1.0/16", "BAD_VALUE", /its network is 10\.79\.0\.0\/16/],
  ["network without a prefix", "10.79.0.0/16", "10.79.0.0", "BAD_VALUE", /an IPv4 network like/],
  ["octal address", "10.100.10.224", "10.100.010.224", "BAD_VALUE", /IPv4 address.*without leading zeros/],
  ["same port", "port: 51822", "port: 51821", "DUPLICATE", /port 51821 of wg2/],
  ["same plane", "name: wg2", "name: wg1", "DUPLICATE", /"wg1" is listed twice/],
  ["plane of another name", "name: wg2", "name: wg0", "BAD_VALUE", /planes/],
  ["topology that nobody built", "51822, topology: hub-and-spoke", "51822, topology: mesh", "BAD_VALUE", /planes.1.topology: must be hub-and-spoke/],
  ["address twice", "10.100.10.223", "10.100.10.224", "DUPLICATE", /also that of "master"/, [23, 15]],
  ["address outside of the LAN", "10.100.10.223", "10.100.11.223", "OVERFLOW", /no host address/],
  ["broadcast address", "10.100.10.223", "10.100.10.255", "OVERFLOW", /no host address.*254 of them/],
  ["LAN without hosts", "10.100.10.0/24", "10.100.10.224/31", "OVERFLOW", /no host address.*it has none/],
  ["address of nobody", "    worker-2: 10", "    worker-2: 10.100.10.222\n    worker-3: 10", "UNKNOWN_NODE", /no node "worker-3"/],
  ["node without an address", /\n {4}worker-2: 10.*/, "", "MISSING_ADDRESS", /"worker-2" has no address/],
  ["QEMU without addresses", /\n {2}addresses:(\n {4}.*)*/, "", "MISSING_ADDRESS", /targets.qemu needs network.addresses/],
  ["gateway outside of the LAN", "  addresses:", "  gateway: 10.0.0.1\n  addresses:", "OVERFLOW", /10\.0\.0\.1 of the gateway/],
  ["gateway that is a node", "  addresses:", "  gateway: 10.100.10.222\n  addresses:", "DUPLICATE", /of the gateway is also that of "worker-2"/],
  ["three approvals", "approvals: 1", "approvals: 3", "BAD_VALUE", /approvals: must be at most 2/],
  ["lease without a unit", "approvals: 1", "lease: 900", "BAD_VALUE", /lease/],
  ["lease of seconds", "approvals: 1", "lease: 59s", "BAD_VALUE", /trust.lease: must be at least 1m/],
  ["lease of days", "approvals: 1", "lease: 25h", "BAD_VALUE", /trust.lease: must be at most 24h/],
  ["lease that a missed renewal ends", "approvals: 1", "renew: 8m", "LEASE_TOO_SHORT", /at least twice/, [27, 3]],
  ["quirks of nobody's certificates", "approvals: 1", "ekQuirks: [nv-padding]", "MISSING_KEY", /no trust.ekRoots/, [27, 3]],
  ["quirk that nobody knows", "approvals: 1", "ekQuirks: [anything]", "BAD_VALUE", /ekQuirks/],
  ["fingerprint that is none", "approvals: 1", "ekRevoked: [abcd]", "BAD_VALUE", /32 bytes/],
  ["yes is no boolean", "wipeDisks: false", "wipeDisks: no", "BAD_VALUE", /wipeDisks: must be true or false/],
  ["key twice", "metadata:", "metadata: { name: x }\nmetadata:", "BAD_YAML", /"metadata" is there twice; keys are unique/, [5, 1]],
  ["anchor", "index: 3", "index: &a 3", "BAD_YAML", /anchors/],
  ["alias", "index: 3", "index: *a", "BAD_YAML", /./],
  ["tag", "index: 3", "index: !!js/function 3", "BAD_YAML", /./],
  ["merge key", "vm: { memory: 512MiB, cpus: 1 }", "vm: { <<: { memory: 512MiB }, memory: 512MiB, cpus: 1 }", "UNKNOWN_KEY", /"<<"/],
  ["prototype", "trust:", "__proto__: { x: 1 }\ntrust:", "UNKNOWN_KEY", /__proto__/],
  ["second document", /$/, "---\nkind: ClusterSpec\n", "BAD_YAML", /second document/],
  ["list where a map belongs", "metadata:\n  name: demo", "metadata: [demo]", "BAD_VALUE", /metadata: must be a map/],
  ["name as a number", "name: demo", "name: 10.5", "BAD_VALUE", /metadata.name: must be text \(put it in quotes\)/],
  ["two planes", / {4}- \{ name: wg3.*\n/, "", "BAD_VALUE", /planes: must have at least 3 items/],
];

/** Removes the two others of a role, so that one is left. */
const alone = (role: string): RegExp => new RegExp(`( {4}- \\{ name: ${role}-1.*\\n)( {4}- \\{ name: ${role}-.*\\n)+`);
const CEPH = `  ceph:
    role: etcd
    volume: etcd
    failureDomain: domain
    plane: wg3
    replacement: { after: 15m, atOnce: 1, drain: true }

workloads:`;
const ceph = (from: string | RegExp, to: string): string => CEPH.replace(from, to);

const sixteen: readonly Row[] = [
  ["two of etcd", / {4}- \{ name: etcd-3.*\n/, "", "QUORUM", /2 nodes of role "etcd" can't lose one.*3 or 5/],
  ["one of etcd", alone("etcd"), "$1", "QUORUM", /1 node of role "etcd" can't lose one/],
  ["four of etcd", /( {4}- \{ name: )etcd-3(, role: etcd, index: )7(.*\n)/, "$1etcd-3$27$3$1etcd-4$217$3", "QUORUM", /4 nodes of role "etcd" can lose no more of them than 3 can.*3 or 5/],
  ["two control planes", / {4}- \{ name: cp-3.*\n/, "", "QUORUM", /2 nodes of role "cp"/],
  ["a majority in one domain", /(name: etcd-2.*failureDomain: )b/, "$1a", "FAILURE_DOMAIN", /"a" holds 2 of 3 nodes of role "etcd": losing it ends the quorum/, [25, 60]],
  ["a control plane without a domain", /(name: cp-2.*), failureDomain: b/, "$1", "FAILURE_DOMAIN", /"cp-2" of role "cp" has no failureDomain/, [30, 7]],
  ["pod network in the LAN", "10.244.0.0/16", "10.100.0.0/16", "OVERLAP", /of pods overlaps 10\.100\.10\.0\/24 of the LAN/],
  ["service network in a plane", "10.96.0.0/16", "10.80.0.0/12", "OVERLAP", /of services overlaps 10\.80\.0\.0\/16 of wg3/],
  ["service network in the LAN", "10.96.0.0/16", "10.96.0.0/12", "OVERLAP", /of services overlaps 10\.100\.10\.0\/24 of the LAN/],
  ["pods among services", "10.244.0.0/16", "10.96.128.0/17", "OVERLAP", /of pods overlaps 10\.96\.0\.0\/16 of services/],
  ["VIP that is a node", "apiVip: 10.100.10.208", "apiVip: 10.100.10.209", "DUPLICATE", /of the API is also that of "lb-3"/],
  ["VIP outside of the LAN", "apiVip: 10.100.10.208", "apiVip: 10.100.11.208", "OVERFLOW", /of the API is no host address in the LAN/],
  ["VIP that is the gateway", "  addresses:", "  gateway: 10.100.10.208\n  addresses:", "DUPLICATE", /of the API is also that of the gateway/],
  ["VIP without load balancers", /role: lb|, lb\]/g, (m: string) => (m.startsWith(",") ? "]" : "role: worker"), "MISSING_ROLE", /kubernetes needs nodes of role lb/],
  ["metrics without Prometheus", /role: prometheus|prometheus, grafana/g, (m: string) => (m.startsWith("role") ? "role: grafana" : "grafana"), "MISSING_ROLE", /observability needs nodes of role prometheus/],
  ["version as a number", 'version: "1.34"', "version: 1.30", "BAD_VALUE", /in quotes, or 1.30 becomes 1.3/],
  ["version that is none", 'version: "1.34"', 'version: "v1.34"', "BAD_VALUE", /a version like/],
  ["another CNI", "cni: cilium", "cni: flannel", "BAD_VALUE", /cni/],
  ["short image name", "workloads:", "workloads:\n  images: [pause:3.10]", "BAD_VALUE", /full reference/],
  ["image without a version", "workloads:", "workloads:\n  images: [registry.k8s.io/pause]", "BAD_VALUE", /a tag or a digest/],
  ["latest image", "workloads:", "workloads:\n  images: [registry.k8s.io:443/pause:latest]", "BAD_VALUE", /another image each week/],
  ["image twice", "workloads:", "workloads:\n  images: [registry.k8s.io/pause:3.10, registry.k8s.io/pause:3.10]", "DUPLICATE", /listed twice/],
  ["VMID twice", "etcd-2: 2005", "etcd-2: 2004", "DUPLICATE", /VMID 2004 of "etcd-2" is also that of "etcd-1"/, [118, 15]],
  ["VMID below those of Proxmox", "etcd-2: 2005", "etcd-2: 99", "BAD_VALUE", /vmids.etcd-2/],
  ["VMID of nobody", "w-3: 2012", "w-3: 2012\n      w-4: 2016", "UNKNOWN_NODE", /no node "w-4"/],
  ["node without a VMID", / {6}w-3: 2012\n/, "", "MISSING_VMID", /"w-3" has no VMID/],
  ["bridge that is a path", "bridge: vmbr0", "bridge: ../vmbr0", "BAD_VALUE", /network interface/],
  ["pool of a role that nobody has", "      - role: storage", "      - role: sotrage", "MISSING_ROLE", /pool "tank" is for role "sotrage"/],
  ["pool on a volume that isn't there", "volumes: [tank-1, tank-2]", "volumes: [tank-1, tank-3]", "MISSING_VOLUME", /"storage" of role "storage" has no volume "tank-3"/],
  ["volume twice in a pool", "volumes: [tank-1, tank-2]", "volumes: [tank-1, tank-1]", "DUPLICATE", /volume "tank-1" is listed twice/],
  ["volume in two pools", "  # Ceph is off", "      - { role: storage, name: dozer, layout: single, volumes: [tank-2] }\n  # Ceph is off", "DUPLICATE", /volume "tank-2" is in pool "tank" already/],
  ["pool twice", "  # Ceph is off", "      - { role: storage, name: tank, layout: single, volumes: [data] }\n  # Ceph is off", "DUPLICATE", /has a pool "tank" already/],
  ["too few volumes", "layout: mirror", "layout: raidz1", "BAD_VALUE", /raidz1 takes at least 3 volumes; pool "tank" has 2/],
  ["too many volumes", "layout: mirror", "layout: single", "BAD_VALUE", /single takes 1 volume; pool "tank" has 2/],
  ["volumes of two sizes", "tank-2: 20GiB", "tank-2: 24GiB", "BAD_VALUE", /of pool "tank" on node "storage" differ in size/],
  ["pool with a reserved name", "name: tank", "name: mirror0", "BAD_VALUE", /OpenZFS keeps this one/],
  ["dataset twice", "name: artifacts, mountpoint", "name: exports, mountpoint", "DUPLICATE", /dataset tank\/exports is there twice/],
  ["mountpoint twice", "mountpoint: /srv/artifacts", "mountpoint: /srv/exports", "DUPLICATE", /also the mountpoint of tank\/exports/],
  ["mountpoint in the system", "mountpoint: /srv/artifacts", "mountpoint: /etc/ssh", "BAD_VALUE", /below \/srv or \/var\/lib/],
  ["mountpoint over the agent's", "mountpoint: /srv/artifacts", "mountpoint: /var/lib/kubedos/hub", "BAD_VALUE", /folder of the system itself/],
  ["mountpoint that climbs", "mountpoint: /srv/artifacts", "mountpoint: /srv/../etc", "BAD_VALUE", /below \/srv/],
  ["quota beyond the pool", "quota: 12GiB", "quota: 24GiB", "OVERFLOW", /quota 24GiB of tank\/exports is more than its pool holds .*20GiB/],
  ["property that may run things", "compression: zstd", "exec: \"on\"", "UNKNOWN_KEY", /known keys: atime, compression/],
  ["property that loses writes", "compression: zstd", "sync: disabled", "BAD_VALUE", /sync: must be one of standard, always/],
  ["layout, misspelt", "layout: mirror", "layout: miror", "BAD_VALUE", /one of single, mirror.*did you mean "mirror"/],
  ["Ceph without a failure domain", "\nworkloads:", ceph(/ +failureDomain.*\n/, ""), "MISSING_KEY", /storage.ceph.failureDomain is missing/],
  ["Ceph without a plane", "\nworkloads:", ceph(/ +plane.*\n/, ""), "MISSING_KEY", /storage.ceph.plane is missing/],
  ["Ceph without replacement", "\nworkloads:", ceph(/ +replacement.*\n/, ""), "MISSING_KEY", /storage.ceph.replacement is missing/],
  ["replacement without a time", "\nworkloads:", ceph("after: 15m, ", ""), "MISSING_KEY", /storage.ceph.replacement.after is missing/],
  ["Ceph for nobody", "\nworkloads:", ceph("role: etcd", "role: ceph"), "MISSING_ROLE", /Ceph is for role "ceph"/],
  ["Ceph without its volume", "\nworkloads:", ceph("volume: etcd", "volume: osd"), "MISSING_VOLUME", /"etcd-1" of role "etcd" has no volume "osd"/],
  ["Ceph on a pool's volume", "\nworkloads:", ceph("role: etcd\n    volume: etcd", "role: storage\n    volume: tank-1"), "DUPLICATE", /"tank-1" is in pool "tank" already/],
  ["more copies than domains", "\nworkloads:", ceph("plane: wg3", "plane: wg3\n    replicas: 4"), "FAILURE_DOMAIN", /4 copies don't fit 3 failure domains/],
  ["replacement that leaves one copy", "\nworkloads:", ceph("atOnce: 1", "atOnce: 2"), "QUORUM", /leaves fewer than two of 3 copies \(at most 1\)/],
];

/** One for each reason to refuse a spec. `example` gives the text of a good one. */
export function brokenSpecs(example: (name: ExampleName) => string): readonly BrokenSpec[] {
  return [...broken(example("demo"), demo), ...broken(example("16-node"), sixteen)];
}

function broken(good: string, rows: readonly Row[]): readonly BrokenSpec[] {
  return rows.map(([name, from, to, code, message, place]) => ({
    name,
    good,
    text: typeof to === "string" ? good.replace(from, to) : good.replace(from, to),
    code,
    message,
    ...(place === undefined ? {} : { place }),
  }));
}
