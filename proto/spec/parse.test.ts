import { readFileSync } from "node:fs";
import t from "tap";
import type { SpecErrorCode } from "./error.ts";
import { nearest } from "./nearest.ts";
import { parseClusterSpec } from "./parse.ts";

const good = readFileSync(new URL("../../examples/demo.yaml", import.meta.url), "utf8");
const minimal = `apiVersion: kubedos/v1
kind: ClusterSpec
metadata: { name: tiny }
topology:
  roles: [master]
  nodes: [{ name: m, role: master, index: 1, vm: { memory: 1GiB, cpus: 2 } }]
network: { lan: 192.168.7.0/24 }
`;

t.test("the shipped example, and defaults", async (t) => {
  t.equal(parseClusterSpec(good, "demo.yaml").topology.nodes.length, 3);
  t.match(parseClusterSpec(minimal, "m.yaml"), {
    topology: { nodes: [{ vm: { memory: 1024 } }] },
    network: { planes: [{ name: "wg1", cidr: "10.78.0.0/16", port: 51821 }, { name: "wg2" }, { name: "wg3" }] },
    trust: { approvals: 1, lease: 900_000, renew: 300_000, ekQuirks: [], ekRevoked: [] },
    destructive: { wipeDisks: false, destroyQuarantined: false },
  });
});

/** What is changed in the example, the code, and the line and column at which the fault is shown. */
const cases: readonly [string, string | RegExp, string, SpecErrorCode, string | RegExp, [number, number]?][] = [
  ["misspelt key", "failureDomain: a, vm: { memory: 512", "failurDomain: a, vm: { memory: 512", "UNKNOWN_KEY", /"failurDomain" in topology.nodes.0 .*did you mean "failureDomain"/, [10, 47]],
  ["misspelt section", "trust:", "trsut:", "UNKNOWN_KEY", /did you mean "trust"/, [22, 1]],
  ["key that is like none", "trust:", "xylophone: 1\ntrust:", "UNKNOWN_KEY", /known keys: apiVersion, kind/],
  ["key in an empty section", "trust:", "storage: { volumes: [] }\ntrust:", "UNKNOWN_KEY", /no keys are known here/],
  ["missing section", /^network:[\s\S]*?\n\n/m, "", "MISSING_KEY", /network is missing/],
  ["another version", "kubedos/v1", "kubedos/v2", "BAD_VALUE", /apiVersion/, [2, 13]],
  ["no DNS label", "name: demo", "name: Demo", "BAD_VALUE", /DNS label/, [5, 9]],
  ["path as a name", "name: worker-1,", "name: ../../etc,", "BAD_VALUE", /DNS label/],
  ["memory without a unit", "512MiB", "512", "BAD_VALUE", /vm.memory/],
  ["index as text", "index: 2", 'index: "2"', "BAD_VALUE", /index/],
  ["index 0", "index: 2", "index: 0", "BAD_VALUE", /index/],
  ["index beyond every plane", "index: 2", "index: 65535", "BAD_VALUE", /index/],
  ["index beyond one plane", "10.79.0.0/16", "10.79.0.0/30", "OVERFLOW", /index 3 .*10\.79\.0\.0\/30.*highest is 2/, [12, 46]],
  ["name twice", "name: worker-2", "name: worker-1", "DUPLICATE", /"worker-1" is used twice/, [12, 15]],
  ["index twice", "index: 3", "index: 2", "DUPLICATE", /next free one is 3/, [12, 46]],
  ["role twice", "[master, worker]", "[master, worker, worker]", "DUPLICATE", /listed twice/],
  ["role that nobody has", "[master, worker]", "[master, worker, storage]", "UNUSED_ROLE", /"storage"/, [8, 27]],
  ["role that isn't listed", "role: worker, index: 3", "role: workr, index: 3", "UNKNOWN_ROLE", /did you mean "worker"/, [12, 31]],
  ["two masters", "role: worker, index: 3", "role: master, index: 3", "MASTER_COUNT", /second node/, [12, 31]],
  ["no master", /master/g, "mistress", "MASTER_COUNT", /no node has the role "master"/],
  ["planes overlap", "10.79.0.0/16", "10.78.128.0/17", "OVERLAP", /wg2 overlaps 10\.78\.0\.0\/16 of wg1/, [19, 26]],
  ["plane and LAN overlap", "lan: 10.100.10.0/24", "lan: 10.80.4.0/24", "OVERLAP", /overlaps the LAN/],
  ["host bits in a network", "10.79.0.0/16", "10.79.1.0/16", "BAD_VALUE", /its network is 10\.79\.0\.0\/16/],
  ["octal address", "10.100.10.224", "10.100.010.224", "BAD_VALUE", /no IPv4 address/],
  ["same port", "port: 51822", "port: 51821", "DUPLICATE", /port 51821 of wg2/],
  ["same plane", "name: wg2", "name: wg1", "DUPLICATE", /"wg1" is listed twice/],
  ["plane of another name", "name: wg2", "name: wg0", "BAD_VALUE", /planes/],
  ["address twice", "10.100.10.223", "10.100.10.224", "DUPLICATE", /also that of "master"/],
  ["address outside of the LAN", "10.100.10.223", "10.100.11.223", "OVERFLOW", /no host address/],
  ["broadcast address", "10.100.10.223", "10.100.10.255", "OVERFLOW", /no host address/],
  ["address of nobody", "worker-2: 10", "worker-3: 10", "UNKNOWN_NODE", /no node "worker-3"/],
  ["node without an address", /\n {8}worker-2: 10.*/, "", "MISSING_ADDRESS", /"worker-2" has no address/],
  ["three approvals", "approvals: 1", "approvals: 3", "BAD_VALUE", /approvals/],
  ["lease without a unit", "approvals: 1", "lease: 900", "BAD_VALUE", /lease/],
  ["lease of seconds", "approvals: 1", "lease: 59s", "BAD_VALUE", /trust.lease: must be at least 1m/],
  ["lease of days", "approvals: 1", "lease: 25h", "BAD_VALUE", /trust.lease: must be at most 24h/],
  ["lease that a missed renewal ends", "approvals: 1", "renew: 8m", "LEASE_TOO_SHORT", /at least twice/, [23, 3]],
  ["quirks of nobody's certificates", "approvals: 1", "ekQuirks: [nv-padding]", "MISSING_KEY", /no trust.ekRoots/, [23, 3]],
  ["quirk that nobody knows", "approvals: 1", "ekQuirks: [anything]", "BAD_VALUE", /ekQuirks/],
  ["fingerprint that is none", "approvals: 1", "ekRevoked: [abcd]", "BAD_VALUE", /32 bytes/],
  ["yes is no boolean", "wipeDisks: false", "wipeDisks: no", "BAD_VALUE", /wipeDisks/],
  ["key twice", "metadata:", "metadata: { name: x }\nmetadata:", "BAD_YAML", /unique/, [5, 1]],
  ["anchor", "index: 3", "index: &a 3", "BAD_YAML", /anchors/],
  ["alias", "index: 3", "index: *a", "BAD_YAML", /./],
  ["tag", "index: 3", "index: !!js/function 3", "BAD_YAML", /./],
  ["merge key", "vm: { memory: 512MiB, cpus: 1 }", "vm: { <<: { memory: 512MiB }, cpus: 1 }", "UNKNOWN_KEY", /"<<"/],
  ["prototype", "trust:", "__proto__: { x: 1 }\ntrust:", "UNKNOWN_KEY", /__proto__/],
  ["second document", /$/, "---\nkind: ClusterSpec\n", "BAD_YAML", /second document/],
  ["list where a map belongs", "metadata:\n  name: demo", "metadata: [demo]", "BAD_VALUE", /metadata/],
];

for (const [name, from, to, code, message, place] of cases) {
  t.test(`refused: ${name}`, async (t) => {
    const text = good.replace(from, to);
    t.not(text, good);
    const [line, column] = place ?? [];
    t.throws(() => parseClusterSpec(text, "spec.yaml"), { code, message, ...(line === undefined ? {} : { line, column }) });
  });
}

t.test("texts that are no spec at all", async (t) => {
  t.throws(() => parseClusterSpec("", "x"), { code: "BAD_YAML" });
  t.throws(() => parseClusterSpec("just words", "x"), { code: "BAD_VALUE" });
  t.throws(() => parseClusterSpec("[".repeat(100_000), "x"), { code: "BAD_YAML" });
  t.throws(() => parseClusterSpec(`a: &x [${"*x,".repeat(1000)}]`, "x"), { code: "BAD_YAML" });
  t.throws(() => parseClusterSpec(" ".repeat(17 * 1024 * 1024), "x"), { code: "TOO_LARGE" });
  t.throws(() => parseClusterSpec("? [a]\n: b", "x"), { code: "BAD_YAML" });
});

t.test("nearest", async (t) => {
  t.equal(nearest("topolgoy", ["topology", "trust"]), "topology");
  t.equal(nearest("Name", ["name", "role"]), "name");
  t.equal(nearest("zzz", ["name", "role"]), undefined);
  t.equal(nearest("x".repeat(1_000_000), ["name"]), undefined);
});
