import { HubError } from "../error.ts";

/**
 * Address number `index` of an IPv4 network in CIDR notation, as dotted text: DESIGN §4, node n has the plane's network
 * plus n. Throws HubError `PLANE_FULL` where that is the network's own address, its broadcast address or outside of it:
 * an overflow never wraps into somebody else's address.
 */
export function addressIn(cidr: string, index: number): string {
  const [network = "", bits = ""] = cidr.split("/");
  const prefix = Number(bits);
  const size = 2 ** (32 - prefix);
  if (!Number.isSafeInteger(index) || index < 1 || index > size - 2) {
    throw new HubError("PLANE_FULL", `index ${index} has no address in ${cidr}`);
  }
  const base = network.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
  const address = base - (base % size) + index;
  return [2 ** 24, 2 ** 16, 2 ** 8, 1].map((unit) => Math.floor(address / unit) % 256).join(".");
}
