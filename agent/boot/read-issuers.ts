import { z } from "zod";
import { parseJson } from "../../proto/wire/json.ts";
import { base64Text } from "../../proto/wire/text.ts";
import { PATHS } from "../paths.ts";
import { defineStep } from "./step.ts";

const MAX_ISSUERS_BYTES = 4096;
const POLL_MS = 100;

const issuersSchema = z.strictObject({ hub: base64Text(256), node: base64Text(256) });

/** On the hub's node: the issuer keys that the hub made this boot go into the claims, so that the root can trust them. */
export const readIssuers = defineStep({
  name: "read-issuers",
  needs: ["config"],
  fatal: false,
  async run({ ports, signal }, { config }) {
    if (!config.hub) return { issuers: null };
    // The hub starts beside the agent; it may be later.
    while (!signal.aborted) {
      const data = await ports.files.read(PATHS.issuers, MAX_ISSUERS_BYTES);
      if (data !== null) return { issuers: parseJson(issuersSchema, data, MAX_ISSUERS_BYTES) };
      await ports.clock.sleep(POLL_MS, signal);
    }
    return {};
  },
});
