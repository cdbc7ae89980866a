import { loadPlace } from "../attach/stored-place.ts";
import { Firewall } from "../nft/firewall.ts";
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
    // nft takes its time; gRPC, the largest thing to load, takes the same time.
    await Promise.all([firewall.update({}), ports.hub.prepare()]);
    return { firewall, place };
  },
});
