import { defineStep } from "./step.ts";

/** The keeper of the planes; interfaces come with the admission. */
export const preparePlanes = defineStep({
  name: "prepare-planes",
  needs: ["config", "bootId", "hint", "keys", "firewall", "place"],
  async run({ ports, status }, { config, bootId, hint, keys, firewall, place }) {
    const { PlaneManager } = await import("../attach/plane-manager.ts");
    const hubHost = config.hub ? null : (hint.hint?.hub?.host ?? null);
    return { planes: new PlaneManager({ ports, config, keys, firewall, status, bootId, hubHost, place }) };
  },
});
