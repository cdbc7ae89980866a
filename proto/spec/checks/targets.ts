import { type Check, wrongKey, wrongValue } from "../problem.ts";
import { namesFit } from "./network.ts";

/** Guests on this host share a LAN without a DHCP server. */
export const qemuHasAddresses: Check = function* ({ targets, network }) {
  if (targets.qemu !== undefined && network.addresses === undefined) yield wrongKey("MISSING_ADDRESS", ["targets", "qemu"], "targets.qemu needs network.addresses", "its guests have a LAN of their own, without DHCP");
};

/** Every node has a VMID of its own. */
export const vmidsFit: Check = function* ({ targets: { proxmox }, topology }) {
  if (proxmox === undefined) return;
  const path = ["targets", "proxmox", "vmids"];
  yield* namesFit(proxmox.vmids, topology.nodes.map((n) => n.name), path, (name) => wrongKey("MISSING_VMID", path, `node "${name}" has no VMID here`, `add "${name}: VMID"`));
  const taken = new Map<number, string>();
  for (const [name, vmid] of Object.entries(proxmox.vmids)) {
    const other = taken.get(vmid);
    if (other !== undefined) yield wrongValue("DUPLICATE", [...path, name], `VMID ${vmid} of "${name}" is also that of "${other}"`, "VMIDs are unique");
    taken.set(vmid, name);
  }
};
