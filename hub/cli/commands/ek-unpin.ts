import { z } from "zod";
import { dnsLabel } from "../../../proto/wire/text.ts";
import { command } from "../command.ts";
import { readOnly } from "../connect/admin.ts";
import { findSlot, signEkPin } from "../ek-pin-statement.ts";
import { EXIT } from "../exit-codes.ts";
import { reasonText } from "../node-id.ts";
import { FORMATS } from "../output/format.ts";
import { ekPinObject } from "../output/objects.ts";

/** `kubedos-hub ek unpin`: takes an operator's pin away again. */
export const ekUnpin = command({
  path: ["ek", "unpin"],
  summary: "take back what `ek pin` said of a slot",
  about: "A slot that a machine holds is revoked first. What the build host stamped stays: a new delivery changes that.",
  args: [{ name: "slot", what: "name of the slot" }],
  options: [{ flags: "--reason <text>", what: "why; goes along for the audit" }],
  connects: true,
  formats: FORMATS,
  examples: [["ek unpin w-3 --reason 'the board was replaced'", "w-3 is for no EK in particular again"]],
  input: z.strictObject({ slot: dnsLabel, reason: reasonText.optional() }),
  async run({ slot: name, reason }, context) {
    const hub = await context.hub();
    if (hub.operator === null) throw readOnly(hub.where);
    const slot = await findSlot(hub, name);
    const freed = await hub.setEkPin(signEkPin(hub.operator, slot, { ekName: null, issuedAt: context.ports.now() }), reason);
    context.print({ object: ekPinObject(freed), names: [name], human: () => `${name} is for no EK in particular` });
    return EXIT.ok;
  },
});
