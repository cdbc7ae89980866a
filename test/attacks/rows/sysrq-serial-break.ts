import { setTimeout as sleep } from "node:timers/promises";
import type { Attack } from "../attack.ts";
import { insideOutcome } from "../spoil/credentials.ts";
import { proveNoPrompt } from "../spoil/keyboard.ts";

/** Crash, reboot, power off, kill all, show registers and tasks, raw keyboard: each after a break, as Linux takes them from a serial console. */
const SYSRQ = ["c", "b", "o", "i", "e", "p", "t", "r", "f", "k"];
const PAUSE_MS = 400;

/** A break and a letter are orders to a Linux kernel, unless they are switched off. */
export const sysrqSerialBreak: Attack = {
  name: "sysrq-serial-break",
  title: "SysRq by serial break at a running node's console",
  ci: false,
  async run(world) {
    const guest = await world.start(world.name, { serialInput: true });
    return await insideOutcome(world, guest, async () => {
      const before = await guest.status();
      for (const letter of SYSRQ) {
        await guest.guest.sendBreak();
        await guest.type(Buffer.from(letter));
        await sleep(PAUSE_MS, undefined, { signal: world.signal });
      }
      await guest.type(Buffer.from("\r\rroot\r"));
      await guest.look();
      const after = await guest.status();
      const node = await world.node(world.pinnedEk(guest.slot));
      const same = before !== null && after !== null && before.bootId === after.bootId && after.node.state === "admitted";
      return [
        { what: "from inside: the same boot goes on, and its agent answers", held: same && guest.guest.running, detail: after?.node.state ?? "no status" },
        { what: "the hub still has it connected, on the same stream", held: node?.state === "connected" && node.attached, detail: node?.state ?? "unknown" },
        await proveNoPrompt(guest),
      ];
    });
  },
};
