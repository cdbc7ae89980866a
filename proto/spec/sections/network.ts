import { z } from "zod";
import { planeName } from "../../evidence/claims.ts";
import { planeSchema } from "../../release/image-config.ts";
import { cidr, ipv4 } from "../address.ts";
import { key } from "../key.ts";
import { label } from "../label.ts";

/** The planes of the design card; wg0 is reserved. */
const defaultPlanes = [
  { name: "wg1", cidr: "10.78.0.0/16", port: 51821, topology: "hub-and-spoke" },
  { name: "wg2", cidr: "10.79.0.0/16", port: 51822, topology: "hub-and-spoke" },
  { name: "wg3", cidr: "10.80.0.0/16", port: 51823, topology: "hub-and-spoke" },
] as const;

const plane = planeSchema.extend({
  name: key(planeName, "wg1 control, wg2 observability, wg3 kubernetes.", "images"),
  cidr: key(cidr, "Network of the plane; node n has its address n.", "images"),
  port: key(planeSchema.shape.port, "UDP port of WireGuard.", "images"),
  topology: key(planeSchema.shape.topology, "Who has whom as a peer: each node the master, the master every node.", "images"),
});

/** How nodes reach each other, before and after they are admitted. */
export const network = z.strictObject({
  lan: key(cidr, "The network in which nodes reach the hub before there is any plane.", "targets"),
  gateway: key(ipv4.optional(), "Router of the LAN; a cluster needs none to come up.", "targets (in the hint record)"),
  addresses: key(z.record(label, ipv4).optional(), "Address of each node in the LAN; without it, whatever DHCP says.", "targets (in the hint record)"),
  planes: key(z.array(plane).length(3).default([...defaultPlanes]), "The three WireGuard networks.", "images"),
});
