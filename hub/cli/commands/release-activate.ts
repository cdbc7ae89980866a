import { z } from "zod";
import { command } from "../command.ts";
import { readOnly } from "../connect/admin.ts";
import { EXIT } from "../exit-codes.ts";
import { FORMATS } from "../output/format.ts";
import { releaseView } from "../output/release-view.ts";

/** What `release list` calls a release, or the beginning of it. */
export const releaseId = z.string().regex(/^[0-9a-f]{4,16}$/, "must be a release's id, as in the output of: kubedos-hub release list");

/** `kubedos-hub release activate`: from now on machines are judged by it, too. */
export const releaseActivate = command({
  path: ["release", "activate"],
  summary: "make a staged release current",
  about:
    "It judges beside the releases that are current already; those stay until you withdraw them. The floor rises to its generation, in the hub's TPM, too, and never falls: " +
    "no older release can become current after it.",
  args: [{ name: "id", what: "id of the release, or an unambiguous beginning of it" }],
  options: [],
  connects: true,
  formats: FORMATS,
  examples: [["release activate 0123456789abcdef", "machines that run it may come in"]],
  input: z.strictObject({ id: releaseId }),
  async run({ id }, context) {
    const hub = await context.hub();
    if (hub.operator === null) throw readOnly(hub.where);
    context.print(releaseView(await hub.activateRelease(id)));
    return EXIT.ok;
  },
});
