import { z } from "zod";
import { command } from "../command.ts";
import { readOnly } from "../connect/admin.ts";
import { EXIT } from "../exit-codes.ts";
import { reasonText } from "../node-id.ts";
import { FORMATS } from "../output/format.ts";
import { releaseView } from "../output/release-view.ts";
import { releaseId } from "./release-activate.ts";

/** `kubedos-hub release withdraw`: nothing is judged by it again, and who runs it goes out. */
export const releaseWithdraw = command({
  path: ["release", "withdraw"],
  summary: "end a release for good; who runs it is taken out",
  about:
    "Final: a withdrawn release never becomes current again. Nodes that run it are asked for evidence at once and quarantined. The last current release of a role " +
    "goes only with --accept-risk=no-current-release: until another is activated, no machine of that role passes.",
  args: [{ name: "id", what: "id of the release, or an unambiguous beginning of it" }],
  options: [
    { flags: "--reason <text>", what: "why; goes into the audit (required)" },
    { flags: "--accept-risk <risk>", what: "name a risk that you take: no-current-release", repeats: true },
  ],
  connects: true,
  formats: FORMATS,
  examples: [["release withdraw 0123456789abcdef --reason 'CVE in its kernel'", "refused while it is the last one of a role"]],
  input: z.strictObject({ id: releaseId, reason: reasonText, acceptRisk: z.array(z.enum(["no-current-release"])).default([]) }),
  async run({ id, reason, acceptRisk }, context) {
    const hub = await context.hub();
    if (hub.operator === null) throw readOnly(hub.where);
    const release = await hub.withdrawRelease({ id, reason, acceptRisks: acceptRisk });
    context.print(releaseView(release));
    if (release.nodes.length > 0) context.say(`${release.nodes.length} node(s) run it and must show evidence now, or go when their lease ends; look with: kubedos-hub nodes`);
    return EXIT.ok;
  },
});
