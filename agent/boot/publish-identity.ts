import { toBase64 } from "../../proto/wire/base64.ts";
import { utf8 } from "../../proto/wire/bytes.ts";
import { PATHS } from "../paths.ts";
import { defineStep } from "./step.ts";

/** `out/identity.json`: whom the host would have to challenge. Public areas only. */
export const publishIdentity = defineStep({
  name: "publish-identity",
  needs: ["identity", "bootId"],
  fatal: false,
  async run({ ports }, { identity, bootId }) {
    const { ek, ak } = identity;
    const file = { ekPublic: toBase64(ek.publicArea), akPublic: toBase64(ak.publicArea), bootId };
    await ports.files.write(`${PATHS.mailboxOut}/identity.json`, utf8(JSON.stringify(file)), { mode: 0o644 });
    return {};
  },
});
