import { z } from "zod";
import { dnsLabel } from "../../../proto/wire/text.ts";
import { command } from "../command.ts";
import { readOnly } from "../connect/admin.ts";
import { findSlot, signEkPin } from "../ek-pin-statement.ts";
import { EXIT } from "../exit-codes.ts";
import { reasonText } from "../node-id.ts";
import { FORMATS } from "../output/format.ts";
import { ekPinObject } from "../output/objects.ts";

/** `kubedos-hub ek pin`: an operator's signed word that a slot is for this EK (DESIGN §2.7). */
export const ekPin = command({
  path: ["ek", "pin"],
  summary: "say which EK a slot is for, where nobody stamped one",
  about:
    "For machines that the build host doesn't make and whose TPM has no certificate. The EK must come from the machine itself or its maker, never from " +
    "the network: `kubedos-hub pending` shows what a machine claims, not whose it is. The statement is signed with your own key.",
  args: [
    { name: "slot", what: "name of the slot" },
    { name: "ekName", what: "the EK's Name in full: 000b and 64 hex digits" },
  ],
  options: [{ flags: "--reason <text>", what: "why; goes along for the audit" }],
  connects: true,
  formats: FORMATS,
  examples: [[`ek pin w-3 000b${"4e".repeat(32)} --reason 'read at the rack'`, "from now on w-3 is this machine's, and it needs no risk accepted"]],
  input: z.strictObject({
    slot: dnsLabel,
    ekName: z
      .string()
      .transform((text) => text.replaceAll(" ", "").toLowerCase())
      .pipe(z.string().regex(/^000b[0-9a-f]{64}$/, "must be the whole EK name: 000b and 64 hex digits")),
    reason: reasonText.optional(),
  }),
  async run({ slot: name, ekName, reason }, context) {
    const hub = await context.hub();
    if (hub.operator === null) throw readOnly(hub.where);
    const slot = await findSlot(hub, name);
    const pinned = await hub.setEkPin(signEkPin(hub.operator, slot, { ekName, issuedAt: context.ports.now() }), reason);
    context.print({ object: ekPinObject(pinned), names: [name], human: () => `${name} is for EK …${ekName.slice(-8)}, pinned by ${hub.operator?.name ?? ""}` });
    return EXIT.ok;
  },
});
