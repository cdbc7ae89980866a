import { FAILED_WORD } from "../../proto/evidence/limits.ts";
import { utf8 } from "../../proto/wire/bytes.ts";
import type { Ports, Runner } from "../ports.ts";
import { PHASE_PCR } from "../tpm/measurer.ts";

/**
 * The end of a node that can't be trusted further: `kubedos-failed` goes into PCR 11, so that no quote of this boot passes
 * any more, then the machine powers off. Power-off happens also where the TPM doesn't answer.
 */
export async function failNode(ports: Pick<Ports, "openTpm" | "runner" | "log">, reason: string): Promise<void> {
  ports.log.line(`failed: ${reason.replaceAll(/[^\x20-\x7e]/g, "?").slice(0, 300)}; powering off`);
  try {
    const tpm = await ports.openTpm();
    await tpm.pcrEvent(PHASE_PCR, utf8(FAILED_WORD));
  } finally {
    await powerOff(ports.runner);
  }
}

/** The agent's own unit may not reboot the machine; the unit for failures may, and does the same. */
async function powerOff(runner: Runner): Promise<void> {
  try {
    await runner.run(["systemctl", "poweroff", "-ff"]);
  } catch {
    await runner.run(["systemctl", "start", "--no-block", "kubedos-failed.service"]);
  }
}
