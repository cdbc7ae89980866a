import type { RoleDefinition } from "./role.ts";

/** The first node: runs the hub, where every other node and every operator dials in. */
export const master: RoleDefinition = {
  name: "master",
  about: "runs kubedos-hub and is the hub of all planes",
  hub: true,
  packages: [],
  ports: [
    { direction: "in", zone: "lan", protocol: "tcp", port: 7443, what: "nodes attach to the hub" },
    { direction: "in", zone: "admin", protocol: "tcp", port: 7444, what: "operators, mutual TLS" },
    { direction: "in", zone: "wg1", protocol: "tcp", port: 7444, what: "operators, mutual TLS" },
  ],
  volumes: [{ name: "hub", mount: "/var/lib/kubedos-hub", size: 64 }],
  minMemory: 256,
};
