import { z } from "zod";
import { key } from "../key.ts";
import { label } from "../label.ts";
import { size } from "../size.ts";

const MAX_VOLUMES = 16;

const volumes = z
  .record(label, size)
  .refine((v) => Object.keys(v).length <= MAX_VOLUMES, `at most ${MAX_VOLUMES} volumes`)
  .prefault({});

const vm = z.strictObject({
  memory: key(size, "Memory of the machine.", "targets; `build`, which compares it with what the role needs"),
  cpus: key(z.int().min(1).max(256), "Virtual processors.", "targets"),
  disk: key(size.optional(), "Size of the system disk; without it the image's own. The system itself never grows: it is read-only.", "not used yet: the Proxmox target"),
  volumes: key(volumes.meta({ maxProperties: MAX_VOLUMES }), "Size of each data volume, by the name that the role gives it.", "the checks of roles and `storage`; the QEMU target, for those that the role has"),
});

const node = z.strictObject({
  name: key(label, "Name of the node, and of its slot in the pin file.", "targets, pins, the hub"),
  role: key(label, "One of `topology.roles`: the image that it boots.", "targets, pins, the hub"),
  index: key(z.int().min(1).max(65534), "n: the node's address in each plane is the plane's network plus n.", "pins; the hub, which gives out the addresses"),
  failureDomain: key(label.optional(), "What fails together: a host, a rack, a power feed.", "the checks of quorum and Ceph"),
  vm: key(vm, "Shape of the machine, where the target makes it. Never part of an image.", "targets"),
});

/** Which images there are, and the machines that boot them. */
export const topology = z.strictObject({
  roles: key(z.array(label).min(1).max(64), "Roles of which images are made; each is a folder with a `role.yaml`.", "`lock`, `build`"),
  nodes: key(z.array(node).min(1).max(65534), "The machines. No image knows of any.", "targets, pins, the hub"),
});
