import { FAILED_WORD } from "../../../proto/evidence/limits.ts";
import { parseEventLog } from "../../../proto/eventlog/event-log.ts";
import { puppetAttack } from "../puppet-attack.ts";
import { addWord, changeLog } from "../puppet-log.ts";

/** What was measured beside the release is left out of the logs, or the logs are left out. */
export const logOmitted = puppetAttack({
  name: "log-omitted",
  title: "a shell ran before the UKI, and its event was left out of the firmware's log",
  ci: true,
  async act(scene) {
    const { firmwareLog, userspaceLog } = scene.stage.logs;
    const honest = await scene.boot();
    await scene.passes(honest);
    scene.refused("no firmware log at all", await scene.attempt(honest, { firmwareLog: new Uint8Array() }), "LOG_MALFORMED");
    const withoutUki = changeLog(firmwareLog, (events) => events.filter((event) => event.pcr !== 4));
    scene.refused("a log without what was started (PCR 4)", await scene.attempt(honest, { firmwareLog: withoutUki }), "LOG_MISMATCH");
    scene.refused("no userspace log", await scene.attempt(honest, { userspaceLog: new Uint8Array() }), "LOG_MISMATCH");
    const failed = await scene.boot({ measured: { userspaceLog: addWord(userspaceLog, FAILED_WORD) } });
    scene.refused("the machine had given itself up, and its log is silent about it", await scene.attempt(failed), "LOG_MISMATCH");
    const machine = await scene.boot({ measured: { firmwareLog: withShell(firmwareLog) } });
    scene.refused("a shell was started before the UKI, and the log is silent about it", await scene.attempt(machine), "LOG_MISMATCH");
    return await scene.outside("LOG_MISMATCH", machine);
  },
});

/** One more application in PCR 4, in front of the UKI. */
function withShell(log: Uint8Array): Uint8Array {
  return changeLog(log, (events) => {
    const at = events.findIndex((event) => event.pcr === 4 && event.typeName === "EV_EFI_BOOT_SERVICES_APPLICATION");
    const uki = events[at];
    if (uki === undefined) throw new Error("the honest worker's log starts nothing");
    const shell = { ...uki, digests: parseEventLog(log).banks.map(({ size }) => new Uint8Array(size).fill(0x51)) };
    return [...events.slice(0, at), shell, ...events.slice(at)];
  });
}
