import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseDocument, type YAMLMap, type YAMLSeq } from "yaml";
import type { RoleDefinition } from "../../builder/roles/role.ts";

const root = new URL("../..", import.meta.url).pathname;

/** A role of a user's own: services of several roles, and one that says on the console what became of them. */
export const OWN_ROLE = "announcer";
/** Says so on the console: before the admission never, after it with the state of each service, and at the end. */
export const ANNOUNCED = { started: "role services are", stopped: "role services end" } as const;
/** What it runs, from packages of the roles that kubedos brings. */
export const SERVICES: readonly string[] = ["containerd.service", "prometheus-node-exporter.service", "prometheus.service"];

/** A spec with fewer than three of these is refused. */
const QUORUM = ["cp", "etcd"];

const ROLE = `apiVersion: kubedos/v1
kind: Role
metadata: { name: ${OWN_ROLE} }
about: says what became of its services
packages: [containerd, prometheus, prometheus-node-exporter, runc]
units: [announce.service, ${SERVICES.join(", ")}]
accounts: [{ name: prometheus, id: 820 }]
ports:
  - { direction: out, zone: lan, protocol: tcp, port: 7443, what: the hub }
minMemory: 512MiB
`;

const ANNOUNCE = `[Unit]
After=${SERVICES.join(" ")}

[Service]
Type=oneshot
RemainAfterExit=yes
StandardOutput=journal+console
# Whoever fails, fails within this time.
ExecStart=sleep 8
ExecStart=echo ${ANNOUNCED.started}
ExecStart=-systemctl is-active ${SERVICES.join(" ")}
ExecStop=echo ${ANNOUNCED.stopped}
`;

/** The demo's spec with one node of each role, and one of a role beside it; written to `dir`. Gives the file. */
export function writeRolesSpec(dir: string, roles: readonly RoleDefinition[]): string {
  const put = (path: string, text: string): void => {
    mkdirSync(dirname(join(dir, path)), { recursive: true });
    writeFileSync(join(dir, path), text);
  };
  const doc = parseDocument(readFileSync(join(root, "examples/demo.yaml"), "utf8"));
  const nodes = doc.getIn(["topology", "nodes"]) as YAMLSeq<YAMLMap>;
  nodes.items = nodes.items.filter((node) => node.get("role") === "master");
  const others = [...roles.filter((role) => !role.hub), { name: OWN_ROLE, minMemory: 768 }];
  doc.setIn(["topology", "roles"], doc.createNode(["master", ...others.map((role) => role.name)]));
  const master = doc.getIn(["network", "addresses", "master"]);
  doc.setIn(["network", "addresses"], doc.createNode({ master }));
  let index = 1;
  for (const { name: role, minMemory } of others) {
    for (const failureDomain of QUORUM.includes(role) ? ["a", "b", "c"] : ["a"]) {
      // The first of a role has its name; the others of a quorum are never booted.
      const name = failureDomain === "a" ? role : `${role}-${failureDomain}`;
      nodes.add(doc.createNode({ name, role, index: (index += 1), failureDomain, vm: { memory: `${minMemory}MiB`, cpus: 1 } }));
      doc.setIn(["network", "addresses", name], `10.100.10.${10 + index}`);
    }
  }
  put("spec.yaml", doc.toString());
  put(`roles/${OWN_ROLE}/role.yaml`, ROLE);
  put(`roles/${OWN_ROLE}/overlay/usr/lib/systemd/system/announce.service`, ANNOUNCE);
  cpSync(join(root, "roles/prometheus/overlay"), join(dir, "roles", OWN_ROLE, "overlay"), { recursive: true });
  return join(dir, "spec.yaml");
}
