import { readFileSync } from "node:fs";
import t from "tap";
import { parseClusterSpec } from "../../proto/spec/parse.ts";
import { type RoleFacts, roleProblems } from "./role-problems.ts";

const text = readFileSync(new URL("../../examples/16-node.yaml", import.meta.url), "utf8");
const volumes = (...names: readonly string[]) => names.map((name) => ({ name, size: 2048 }));
const roles: readonly RoleFacts[] = [
  ...["master", "grafana", "lb"].map((name) => ({ name, minMemory: 256, volumes: [] })),
  { name: "prometheus", minMemory: 384, volumes: volumes("prometheus") },
  { name: "storage", minMemory: 256, volumes: volumes("data") },
  { name: "etcd", minMemory: 384, volumes: volumes("etcd") },
  { name: "cp", minMemory: 512, volumes: volumes("containerd", "kubelet") },
  { name: "worker", minMemory: 512, volumes: volumes("containerd", "kubelet") },
];
const problems = (spec: string, known = roles) => [...roleProblems(parseClusterSpec(spec, "spec.yaml"), known)].map(({ code, path, message, hint }) => [code, path.join("."), message, hint]);

t.test("the sixteen nodes fit their roles", async (t) => {
  t.same(problems(text), []);
  t.same(problems(text, roles.map(({ name, minMemory }) => ({ name, minMemory }))), [], "also where nobody says which volumes a role has");
});

t.test("what doesn't fit, where, and what was perhaps meant", async (t) => {
  const cases: readonly (readonly [name: string, spec: string, problem: readonly (string | RegExp)[]])[] = [
    ["a role without a folder", text.replaceAll("role: grafana", "role: grafna").replace("grafana, storage", "grafna, storage"), ["UNKNOWN_ROLE", "topology.roles.2", /no role "grafna"/, /did you mean "grafana"/]],
    ["too little memory", text.replace(/(name: cp-2.*)memory: 8GiB/, "$1memory: 256MiB"), ["TOO_SMALL", "topology.nodes.8.vm.memory", /"cp-2" has 256MiB.*needs 512MiB/, ""]],
    ["too small a volume", text.replace(/(name: etcd-1.*)etcd: 24GiB/, "$1etcd: 1GiB"), ["TOO_SMALL", "topology.nodes.4.vm.volumes.etcd", /has 1GiB; role "etcd" needs 2GiB/, ""]],
    ["a volume that nobody uses", text.replace(/(name: etcd-1.*)etcd: 24GiB/, "$1etdc: 24GiB"), ["UNKNOWN_VOLUME", "topology.nodes.4.vm.volumes.etdc", /role "etcd" uses a volume "etdc"/, /did you mean "etcd"/]],
    ["a volume where the role has none", text.replace(/(name: lb-1.*disk: 16GiB)/, "$1, volumes: { extra: 1GiB }"), ["UNKNOWN_VOLUME", "topology.nodes.13.vm.volumes.extra", /role "lb"/, /the role has none/]],
    ["a pool on the role's own volume", text.replace("  # Ceph is off", "      - { role: storage, name: dozer, layout: single, volumes: [data] }\n  # Ceph is off"), ["DUPLICATE", "topology.nodes.3.vm.volumes.data", /role "storage"'s own, and storage takes it too/, /another name/]],
  ];
  for (const [name, spec, problem] of cases) {
    t.not(spec, text);
    t.match(problems(spec), [problem], name);
    t.equal(problems(spec).length, 1);
  }
});
