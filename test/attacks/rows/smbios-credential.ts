import type { Attack } from "../attack.ts";
import { EVIL_CREDENTIALS, insideOutcome, proveNothingImported } from "../spoil/credentials.ts";

/** No PCR tells of these: so the channel has to be shut, and what shuts it is sealed in the command line. */
export const smbiosCredential: Attack = {
  name: "smbios-credential",
  title: "credentials by SMBIOS type 11, which the TPM doesn't see",
  ci: true,
  async run(world) {
    const oemStrings = EVIL_CREDENTIALS.map(([name, text]) => `io.systemd.credential.binary:${name}=${Buffer.from(text).toString("base64")}`);
    const guest = await world.start(world.name, { oemStrings });
    return await insideOutcome(world, guest, () => proveNothingImported(world, guest));
  },
};
