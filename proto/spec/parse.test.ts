import { readFileSync } from "node:fs";
import t from "tap";
import { SpecError } from "./error.ts";
import { nearest } from "./nearest.ts";
import { parseClusterSpec, readClusterSpec } from "./parse.ts";
import { brokenSpecs } from "./testing/broken-specs.ts";

const exampleText = (name: string) => readFileSync(new URL(`../../examples/${name}.yaml`, import.meta.url), "utf8");
const minimal = `apiVersion: kubedos/v1
kind: ClusterSpec
metadata: { name: tiny }
topology:
  roles: [master]
  nodes: [{ name: m, role: master, index: 1, vm: { memory: 1GiB, cpus: 2 } }]
network: { lan: 192.168.7.0/24 }
`;

t.test("the shipped examples, and defaults", async (t) => {
  t.match(readClusterSpec(exampleText("demo"), "demo.yaml"), { spec: { topology: { nodes: { length: 3 } } }, notes: { length: 0 } });
  t.match(readClusterSpec(exampleText("16-node"), "16-node.yaml"), { spec: { topology: { nodes: { length: 16 } } }, notes: { length: 0 } });
  t.match(parseClusterSpec(minimal, "m.yaml"), {
    topology: { nodes: [{ vm: { memory: 1024, volumes: {} } }] },
    network: { addresses: undefined, planes: [{ name: "wg1", cidr: "10.78.0.0/16", port: 51821 }, { name: "wg2" }, { name: "wg3" }] },
    trust: { approvals: 1, lease: 900_000, renew: 300_000, ekQuirks: [], ekRevoked: [] },
    storage: { zfs: { pools: [] }, ceph: undefined },
    workloads: { kubernetes: undefined, observability: undefined, images: [] },
    targets: { qemu: undefined, proxmox: undefined },
    destructive: { wipeDisks: false, destroyQuarantined: false },
  });
});

t.test("Ceph, where everything about it is said", async (t) => {
  const ceph = "  ceph: { role: etcd, volume: etcd, failureDomain: domain, plane: wg3, replacement: { after: 15m, atOnce: 1, drain: true } }\n\nworkloads:";
  t.match(parseClusterSpec(exampleText("16-node").replace("\nworkloads:", ceph), "c.yaml"), { storage: { ceph: { replicas: 3, replacement: { after: 900_000 } } } });
});

for (const { name, good, text, code, message, place } of brokenSpecs(exampleText)) {
  t.test(`refused: ${name}`, async (t) => {
    t.not(text, good);
    const [line, column] = place ?? [];
    t.throws(() => parseClusterSpec(text, "spec.yaml"), { code, message, ...(line === undefined ? {} : { line, column }) });
  });
}

t.test("several faults come at once, in the file's order, each with its line", async (t) => {
  const text = exampleText("demo").replace("index: 2", "index: two").replace("failureDomain: b", "failuredomian: b").replace("trust:", "trsut:");
  const faults = faultsOf(text);
  t.same(faults.map((f) => [f.code, f.line]), [["BAD_VALUE", 11], ["UNKNOWN_KEY", 12], ["UNKNOWN_KEY", 26]]);
  t.match(faults[1], { hint: 'did you mean "failureDomain"?', excerpt: { text: /failuredomian: b/ } });
  t.equal(faults[1]?.excerpt.text.slice((faults[1].excerpt.column ?? 0) - 1).split(":")[0], "failuredomian", "the excerpt's column points at the key");
  const relations = exampleText("16-node").replace("etcd-2: 2005", "etcd-2: 2004").replace("apiVip: 10.100.10.208", "apiVip: 10.100.10.209").replace("cp-2: 10.100.10.216", "cp-2: 10.100.10.217");
  t.same(faultsOf(relations).map((f) => f.code), ["DUPLICATE", "DUPLICATE", "DUPLICATE"]);
  const many = Array.from({ length: 100 }, (_, i) => `    - { name: w-${i}, role: worker, index: ${i + 10}, vm: {} }\n`).join("");
  t.equal(faultsOf(exampleText("demo").replace("\nnetwork:", `${many}\nnetwork:`)).length, 20, "and no more than anybody mends at once");
});

t.test("lines that end in CRLF, and long ones", async (t) => {
  t.match(faultsOf(exampleText("demo").replaceAll("\n", "\r\n").replace("trust:", "trsut:"))[0], { line: 26, excerpt: { text: "trsut:", column: 1 } });
  const [fault] = faultsOf(exampleText("demo").replace("name: demo", `name: [${"x, ".repeat(100)}]`));
  t.match(fault, { line: 5, excerpt: { text: /^ {2}name: \[x, .*…$/, column: 9 } });
});

t.test("what is allowed and worth a sentence", async (t) => {
  const notes = (text: string) => readClusterSpec(text, "n.yaml").notes.map(({ code, line, message }) => [code, line, message]);
  t.match(notes(exampleText("demo").replace("approvals: 1", "approvals: 2").replace("wipeDisks: false", "wipeDisks: true")), [["NOT_YET", 27, /second approval/], ["NOT_YET", 36, /wipeDisks/]]);
  t.match(notes(exampleText("16-node").replaceAll("failureDomain: c", "failureDomain: b").replaceAll("failureDomain: b", "failureDomain: a")), [["FAILURE_DOMAIN", 24, /name 1 failure domain:/]]);
});

t.test("texts that are no spec at all", async (t) => {
  t.throws(() => parseClusterSpec("", "x"), { code: "BAD_YAML", line: 1, column: 1 });
  t.throws(() => parseClusterSpec("# nothing\n", "x"), { code: "BAD_YAML", message: /empty/ });
  t.throws(() => parseClusterSpec("just words", "x"), { code: "BAD_VALUE" });
  t.throws(() => parseClusterSpec(" ".repeat(17 * 1024 * 1024), "x"), { code: "TOO_LARGE" });
  t.throws(() => parseClusterSpec("? [a]\n: b", "x"), { code: "BAD_YAML" });
});

t.test("nearest", async (t) => {
  t.equal(nearest("topolgoy", ["topology", "trust"]), "topology");
  t.equal(nearest("Name", ["name", "role"]), "name");
  t.equal(nearest("zzz", ["name", "role"]), undefined);
  t.equal(nearest("x".repeat(1_000_000), ["name"]), undefined);
});

function faultsOf(text: string): SpecError["faults"] {
  try {
    parseClusterSpec(text, "spec.yaml");
  } catch (error) {
    if (error instanceof SpecError) return error.faults;
    throw error;
  }
  return [];
}
