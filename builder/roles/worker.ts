import type { RoleDefinition } from "./role.ts";

/** A node that dials out and is dialled by nobody. */
export const worker: RoleDefinition = {
  name: "worker",
  about: "an ordinary node: attaches to the hub and is a spoke of all planes",
  hub: false,
  packages: [],
  ports: [
    { direction: "out", zone: "lan", protocol: "tcp", port: 7443, what: "the hub's listener for nodes" },
    { direction: "out", zone: "wg1", protocol: "tcp", port: 7444, what: "the hub's listener for operators" },
  ],
  volumes: [],
  minMemory: 256,
};
