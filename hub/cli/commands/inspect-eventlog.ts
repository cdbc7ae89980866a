import { z } from "zod";
import { type InspectedEvent, type InspectedLog, inspectEventLog } from "../../attest/inspect.ts";
import { EVIDENCE_LIMITS } from "../../../proto/evidence/limits.ts";
import { command } from "../command.ts";
import { EXIT } from "../exit-codes.ts";
import { FORMATS } from "../output/format.ts";
import { renderTable } from "../output/table.ts";
import type { HumanStyle } from "../output/view.ts";
import { parseInput, readInput } from "../read-input.ts";

/** `kubedos-hub inspect eventlog`: a firmware log laid open, without a hub. */
export const inspectEventlog = command({
  path: ["inspect", "eventlog"],
  summary: "lay a firmware event log open: events, and the PCR values they add up to",
  about: "Reads the file alone: nothing is compared with a TPM, so what it says is the log's word.",
  args: [{ name: "file", what: "log, as in /sys/kernel/security/tpm0/binary_bios_measurements" }],
  options: [{ flags: "--bank <hash>", what: "PCR bank (default sha256)" }],
  connects: false,
  formats: FORMATS,
  examples: [
    ["inspect eventlog boot.log", "one line an event, then the PCR values"],
    ["inspect eventlog boot.log --bank sha1 -o json", "another bank, for programs"],
  ],
  input: z.strictObject({ file: z.string().min(1), bank: z.string().default("sha256") }),
  async run(input, context) {
    const data = await readInput(input.file, EVIDENCE_LIMITS.firmwareLog, context.ports);
    const log = parseInput(input.file, "an event log", () => inspectEventLog(data, input.bank));
    context.print({
      object: { apiVersion: "kubedos/v1", kind: "EventLog", ...{ bank: input.bank, ...log } },
      names: Object.entries(log.pcrs).map(([pcr, value]) => `${pcr}=${value}`),
      human: (style) => logText(log, style),
    });
    for (const warning of log.warnings) context.say(`WARNING: ${warning}`);
    return EXIT.ok;
  },
});

function logText(log: InspectedLog, style: HumanStyle): string {
  const events = renderTable(
    [
      { header: "PCR", cell: (e: InspectedEvent) => String(e.pcr) },
      { header: "TYPE", cell: (e: InspectedEvent) => e.type },
      { header: "DIGEST", cell: (e: InspectedEvent) => (style.wide ? e.digest : e.digest.slice(0, 16)) },
      { header: "WHAT", shrinks: true, cell: (e: InspectedEvent) => e.description },
    ],
    log.events,
    style,
  );
  const pcrs = Object.entries(log.pcrs).map(([pcr, value]) => `PCR ${pcr.padStart(2)}  ${value}`);
  return [events, "", ...pcrs].join("\n");
}
