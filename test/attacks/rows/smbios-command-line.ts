import type { Attack } from "../attack.ts";
import { silentOutcome } from "../spoil/outcome.ts";

/** systemd's stub appends what SMBIOS says to any command line, also under Secure Boot; init takes the sealed one alone. */
export const smbiosCommandLine: Attack = {
  name: "smbios-command-line",
  title: "words appended to the command line by SMBIOS",
  ci: true,
  async run(world) {
    const guest = await world.start(world.name, { oemStrings: ["io.systemd.stub.kernel-cmdline-extra=systemd.import_credentials=yes systemd.unit=rescue.target"] });
    const cause = await guest.untilEnded();
    return await silentOutcome(world, guest, [{ what: "the machine switched itself off", held: cause === "guest-shutdown", detail: cause }]);
  },
};
