import { z } from "zod";
import { key } from "../key.ts";
import { label } from "../label.ts";

const PROXMOX = "not used yet: the Proxmox target";

const proxmox = z.strictObject({
  node: key(label, "The Proxmox host that gets the machines.", PROXMOX),
  storage: key(z.string().regex(/^[A-Za-z][A-Za-z0-9._-]{1,63}$/, "must be the name of a storage, like local-zfs"), "Its storage for disks.", PROXMOX),
  bridge: key(z.string().regex(/^[A-Za-z][A-Za-z0-9._-]{0,14}$/, "must be the name of a network interface, like vmbr0"), "Its bridge into the LAN.", PROXMOX),
  vmids: key(z.record(label, z.int().min(100).max(999_999_999)), "VMID of each node.", PROXMOX),
});

/** Where machines may be made. A target that isn't named can't be deployed to. */
export const targets = z.strictObject({
  qemu: key(z.strictObject({}).optional(), "Guests on this host (`{}`); needs `network.addresses`.", "`deploy qemu`"),
  proxmox: key(proxmox.optional(), "Machines on a Proxmox host.", PROXMOX),
});
