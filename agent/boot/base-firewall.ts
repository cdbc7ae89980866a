import { loadPlace } from "../attach/stored-place.ts";
import { Firewall } from "../nft/firewall.ts";
import type { Ports } from "../ports.ts";
import { defineStep } from "./step.ts";

/**
 * Nothing but what leads to the hub. An agent that was killed after its admission restores the admitted ruleset at once:
 * PCR 11 and the stored place say so together.
 */
export const baseFirewall = defineStep({
  name: "base-firewall",
  needs: ["config", "bootId", "hint", "measurer"],
  async run({ ports }, { config, bootId, hint, measurer }) {
    const place = measurer.has("kubedos-admitted") ? await loadPlace(ports.files, bootId) : null;
    const hub = config.hub ? null : (hint.hint?.hub ?? null);
    const firewall = new Firewall(ports.runner, {
      stage: place === null ? "base" : "admitted",
      hub: config.hub,
      dhcp: hint.hint?.lan === undefined ? ["eth0"] : [],
      hubEndpoint: hub,
      planes: config.planes.map(({ name, cidr, port }) => ({ name, cidr, port })),
      ports: config.ports,
      wireguardPeers: place === null || hub === null ? [] : [hub.host],
      probes: [],
    });
    await Promise.all([firewall.update({}), loadLate(ports)]);
    return { firewall, place };
  },
});

/** nft takes its time; what is needed from the dial on takes the same time to load, gRPC first of all. */
async function loadLate(ports: Ports): Promise<void> {
  await ports.hub.prepare();
  await import("../attach/attach-forever.ts");
}
