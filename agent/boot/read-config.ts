import { readBoot } from "./read-boot.ts";
import { defineStep } from "./step.ts";

/** What this image is, and which boot this is. */
export const readConfig = defineStep({
  name: "read-config",
  needs: [],
  async run({ ports, status }) {
    const { config, bootId } = await readBoot(ports.files);
    status.update({ cluster: config.cluster, role: config.role, bootId });
    return { config, bootId };
  },
});
