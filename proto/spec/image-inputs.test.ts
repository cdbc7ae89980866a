import { readFileSync } from "node:fs";
import fc from "fast-check";
import t from "tap";
import { imageInputs } from "./image-inputs.ts";
import { parseClusterSpec } from "./parse.ts";
import type { ClusterSpec } from "./schema.ts";

const exampleText = (name: string) => readFileSync(new URL(`../../examples/${name}.yaml`, import.meta.url), "utf8");
const spec = parseClusterSpec(exampleText("16-node"), "16-node.yaml");
const same = JSON.stringify(imageInputs(spec));

t.test("nothing but the cluster's name, its planes and its lease reaches an image, whatever the rest says", async (t) => {
  const label = fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/);
  const ip = fc.ipV4();
  const node = fc.record({
    name: label,
    role: label,
    index: fc.integer({ min: 1, max: 65534 }),
    failureDomain: label,
    vm: fc.record({ memory: fc.nat(), cpus: fc.nat(), disk: fc.nat(), volumes: fc.dictionary(label, fc.nat()) }),
  });
  const other = fc.record({
    topology: fc.record({ roles: fc.array(label), nodes: fc.array(node) }),
    network: fc.record({ lan: ip, gateway: ip, addresses: fc.dictionary(label, ip), planes: fc.shuffledSubarray([...spec.network.planes], { minLength: 3 }) }),
    trust: fc.record({ approvals: fc.constantFrom(1, 2), ekRoots: label, ekRevoked: fc.array(label) }).map((trust) => ({ ...spec.trust, ...trust })),
    storage: fc.constant<ClusterSpec["storage"]>({ zfs: { pools: [] } }),
    workloads: fc.record({ images: fc.array(label) }),
    targets: fc.constant({}),
    destructive: fc.record({ wipeDisks: fc.boolean(), destroyQuarantined: fc.boolean() }),
  });
  fc.assert(fc.property(other, (change) => JSON.stringify(imageInputs({ ...spec, ...change } satisfies ClusterSpec)) === same));
  t.pass("100 specs");
});

t.test("every key of the schema is either one of those, or proven above to be none", async (t) => {
  // A section that is new here has to be put on one of the two lists.
  t.same(Object.keys(spec).sort(), ["apiVersion", "destructive", "kind", "metadata", "network", "storage", "targets", "topology", "trust", "workloads"]);
  t.same(Object.keys(imageInputs(spec)).sort(), ["cluster", "planes", "trust"]);
});

t.test("what is an input changes them", async (t) => {
  const changes: readonly [string, ClusterSpec][] = [
    ["name", { ...spec, metadata: { name: "other" } }],
    ["port", { ...spec, network: { ...spec.network, planes: spec.network.planes.map((p) => ({ ...p, port: p.port + 1 })) } }],
    ["lease", { ...spec, trust: { ...spec.trust, lease: 1_800_000 } }],
  ];
  for (const [name, changed] of changes) t.not(JSON.stringify(imageInputs(changed)), same, name);
});
