import { type Check, wrongKey, wrongValue } from "../problem.ts";
import { addressIsFree } from "./network.ts";

/** Each workload has nodes of the roles that carry it. */
export const workloadsHaveNodes: Check = function* ({ topology, workloads }) {
  const roles = new Set(topology.nodes.map((n) => n.role));
  const needs = [
    { name: "kubernetes", roles: ["etcd", "cp", ...(workloads.kubernetes?.apiVip === undefined ? [] : ["lb"])] },
    { name: "observability", roles: ["prometheus"] },
  ] as const;
  for (const { name, roles: needed } of needs) {
    const missing = workloads[name] === undefined ? [] : needed.filter((role) => !roles.has(role));
    if (missing.length > 0) yield wrongKey("MISSING_ROLE", ["workloads", name], `${name} needs nodes of role ${missing.join(", ")}`, "add them, or remove the section");
  }
};

/** The API's address is in the LAN, where the load balancers offer it, and is nobody else's. */
export const vipIsFree: Check = function* ({ network, workloads: { kubernetes } }) {
  const vip = kubernetes?.apiVip;
  if (vip === undefined) return;
  const path = ["workloads", "kubernetes", "apiVip"];
  yield* addressIsFree("the API", vip, path, network.lan, network.addresses);
  if (vip === network.gateway) yield wrongValue("DUPLICATE", path, `address ${vip} of the API is also that of the gateway`, "addresses are unique");
};

/** A container image is named once. */
export const imagesAreDistinct: Check = function* ({ workloads: { images } }) {
  const seen = new Set<string>();
  for (const [i, image] of images.entries()) {
    if (seen.has(image)) yield wrongValue("DUPLICATE", ["workloads", "images", i], `${image} is listed twice`, "remove one of them");
    seen.add(image);
  }
};
