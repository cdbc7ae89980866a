import { PATHS } from "../paths.ts";
import { findHint } from "./hint-record.ts";
import { SMBIOS_LIMITS } from "./smbios.ts";
import { defineStep } from "./step.ts";

/** What the machine says of its surroundings. Untrusted; a bad record is shown, and the LAN is left to DHCP. */
export const readHint = defineStep({
  name: "read-hint",
  needs: [],
  async run({ ports, status }) {
    // An oversized table is cut off here and refused by the parser.
    const table = await ports.files.read(PATHS.smbios, SMBIOS_LIMITS.table * 4);
    const hint = findHint(table);
    status.update({ hint: { slot: hint.hint?.slot ?? null, refused: hint.refused } });
    return { hint };
  },
});
