import { Measurer } from "../tpm/measurer.ts";
import { defineStep } from "./step.ts";

/** The boundary between what the initrd measured and what runs now: `kubedos-agent` goes into PCR 11, once a boot. */
export const measureAgent = defineStep({
  name: "measure-agent",
  needs: ["bootId"],
  async run({ ports, status }, { bootId }) {
    const tpm = await ports.openTpm();
    const measurer = await Measurer.start(tpm, ports.files, bootId);
    await measurer.reach("kubedos-agent");
    status.update({ phase: measurer.phase });
    return { tpm, measurer };
  },
});
