import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { qemuValue } from "../../../builder/guest/qemu-value.ts";
import type { Attack } from "../attack.ts";
import { EVIL_CREDENTIALS, insideOutcome, proveNothingImported } from "../spoil/credentials.ts";

/** QEMU's FW_CFG_MAX_FILE_PATH, without the NUL: a longer name can't be handed over this way. */
const MAX_NAME = 55;
const PREFIX = "opt/io.systemd.credentials/";

/** As by SMBIOS: no PCR tells of it. */
export const fwCfgCredential: Attack = {
  name: "fw-cfg-credential",
  title: "credentials by QEMU's fw_cfg, which the TPM doesn't see",
  ci: false,
  async run(world) {
    const extraArgv: string[] = [];
    for (const [name, text] of EVIL_CREDENTIALS) {
      if (PREFIX.length + name.length > MAX_NAME) continue;
      const file = join(world.dir, name);
      await writeFile(file, text);
      extraArgv.push("-fw_cfg", `name=${PREFIX}${name},file=${qemuValue(file)}`);
    }
    const guest = await world.start(world.name, { extraArgv, extraBinds: [world.dir] });
    return await insideOutcome(world, guest, () => proveNothingImported(world, guest));
  },
};
