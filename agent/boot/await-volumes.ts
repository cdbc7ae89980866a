import { AgentError } from "../error.ts";
import { readVolumeStates } from "../volumes/volumes-file.ts";
import { defineStep } from "./step.ts";

const POLL_MS = 100;

/**
 * Waits for the role's data volumes, which a process of its own opens (agent/volumes/run-volumes.ts). A node whose volume can't be opened isn't
 * admitted without it: it stands where it is and says why.
 */
export const awaitVolumes = defineStep({
  name: "await-volumes",
  needs: ["config", "bootId", "measurer"],
  fatal: false,
  async run({ ports, status, signal }, { config, bootId, measurer }) {
    // Once admitted, the volumes were open; nothing opens them later in this boot.
    if (config.volumes === undefined || measurer.has("kubedos-admitted")) return {};
    // Tried once a boot: what stands in the way is mended from outside.
    if ((await readVolumeStates(ports.files, bootId)) === null) await ports.runner.run(["systemctl", "start", "--no-block", "kubedos-volumes.service"]);
    for (;;) {
      const volumes = await readVolumeStates(ports.files, bootId);
      if (volumes !== null) {
        status.update({ volumes });
        const failed = volumes.find((v) => v.state === "failed");
        if (failed !== undefined) throw new AgentError("VOLUME_FAILED", `volume ${failed.name}: ${failed.code}: ${failed.message}`);
        return {};
      }
      if (signal.aborted) return {};
      await ports.clock.sleep(POLL_MS, signal);
    }
  },
});
