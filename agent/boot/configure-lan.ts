import type { Hint } from "../../proto/hint/hint.ts";
import { AgentError } from "../error.ts";
import { PATHS } from "../paths.ts";
import type { Clock, Files } from "../ports.ts";
import { defineStep } from "./step.ts";

const LINK_WAIT_MS = 15_000;
const LINK_POLL_MS = 50;

/** The cluster's LAN: as the hint says, or by DHCP. */
export const configureLan = defineStep({
  name: "configure-lan",
  needs: ["hint"],
  // A wrong address is the hypervisor's to mend; the machine proves itself as soon as it can be reached.
  fatal: false,
  async run({ ports }, { hint }) {
    const lan = hint.hint?.lan;
    if (lan === undefined) {
      await ports.runner.run(["systemctl", "start", "--no-block", "systemd-networkd.service"]);
      return {};
    }
    for (const { interface: link } of lan) await waitForLink(ports.files, ports.clock, link);
    await ports.runner.run(["ip", "-batch", "-"], renderLan(lan));
    return {};
  },
});

/** Static LAN → lines for `ip -batch -`; each can run again without harm. Every value has passed the hint's schema. */
export function renderLan(lan: NonNullable<Hint["lan"]>): string {
  const lines = lan.flatMap(({ interface: link, address, gateway }) => [
    `link set dev ${link} up`,
    `address replace ${address} dev ${link}`,
    ...(gateway === undefined ? [] : [`route replace default via ${gateway} dev ${link}`]),
  ]);
  return `${lines.join("\n")}\n`;
}

async function waitForLink(files: Files, clock: Clock, link: string): Promise<void> {
  for (let waited = 0; !(await files.exists(`${PATHS.links}/${link}`)); waited += LINK_POLL_MS) {
    if (waited >= LINK_WAIT_MS) throw new AgentError("LINK_MISSING", `there is no ${link} after ${LINK_WAIT_MS / 1000} s`);
    await clock.sleep(LINK_POLL_MS);
  }
}
