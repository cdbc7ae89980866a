import type { LoggedEvent } from "../../../proto/eventlog/event-log.ts";
import { puppetAttack } from "../puppet-attack.ts";
import { measureOther } from "../puppet-log.ts";

/** The machine started something else, and its log was edited into the release's own. */
export const logEdited = puppetAttack({
  name: "log-edited",
  title: "another UKI ran, and the firmware's log was edited to say that it was the release's",
  ci: true,
  async act(scene) {
    await scene.passes(await scene.boot());
    const { firmwareLog } = scene.stage.logs;
    const secureBoot = await scene.boot({ measured: { firmwareLog: measureOther(firmwareLog, 7, "EV_EFI_VARIABLE_DRIVER_CONFIG", isSecureBoot) } });
    scene.refused("Secure Boot was off, and the log says it was on", await scene.attempt(secureBoot), "LOG_MISMATCH");
    const machine = await scene.boot({ measured: { firmwareLog: measureOther(firmwareLog, 4, "EV_EFI_BOOT_SERVICES_APPLICATION") } });
    scene.refused("another UKI was started, and the log names the release's", await scene.attempt(machine), "LOG_MISMATCH");
    return await scene.outside("LOG_MISMATCH", machine);
  },
});

/** UEFI_VARIABLE_DATA: a GUID and two lengths stand before the name. */
function isSecureBoot({ data }: LoggedEvent): boolean {
  return Buffer.from(data).toString("utf16le", 32).startsWith("SecureBoot");
}
