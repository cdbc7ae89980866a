import { z } from "zod";
import { MAX_MESSAGE_BYTES } from "../../../proto/evidence/limits.ts";
import { command } from "../command.ts";
import { readOnly } from "../connect/admin.ts";
import { EXIT } from "../exit-codes.ts";
import { FORMATS } from "../output/format.ts";
import { releaseView } from "../output/release-view.ts";
import { readInput } from "../read-input.ts";

/** `kubedos-hub release stage`: gives the hub a signed release that judges nothing yet. */
export const releaseStage = command({
  path: ["release", "stage"],
  summary: "give the hub a release that judges nothing yet",
  about: "The hub takes only what the release key in its own image signed. Machines that run a staged release are refused until it is activated.",
  args: [{ name: "file", what: "release.json of the build's output folder" }],
  options: [],
  connects: true,
  formats: FORMATS,
  examples: [["release stage out/demo/0123456789abcdef/release.json", "then: kubedos-hub release activate 0123456789abcdef"]],
  input: z.strictObject({ file: z.string().min(1) }),
  async run({ file }, context) {
    const hub = await context.hub();
    if (hub.operator === null) throw readOnly(hub.where);
    const envelope = await readInput(file, MAX_MESSAGE_BYTES, context.ports);
    const release = await hub.stageRelease(envelope);
    context.print(releaseView(release));
    if (release.state === "staged") context.say(`next: kubedos-hub release activate ${release.id}`);
    return EXIT.ok;
  },
});
