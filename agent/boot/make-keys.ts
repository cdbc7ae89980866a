import { loadNodeKeys } from "./node-keys.ts";
import { defineStep } from "./step.ts";

/** The keys of this boot: TLS, and one for each plane. */
export const makeKeys = defineStep({
  name: "make-keys",
  needs: ["config", "bootId"],
  async run({ ports }, { config, bootId }) {
    return { keys: await loadNodeKeys(ports.files, ports.clock, ports.entropy, bootId, config.epoch) };
  },
});
