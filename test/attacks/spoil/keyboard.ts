import type { AttackProof } from "../attack.ts";
import type { AttackGuest } from "../attack-guest.ts";

/** What somebody at a console tries: enter, an interrupt, a login, an escape, a getty's and a boot loader's keys. */
const KEYS = ["\r", "\u0003", "root\r", "\u001b", "\u0004", "id; uname -a\r", "e", "\u001a", "sh\r"];
/** Somebody would be asked for something, or something would have answered. */
const PROMPT = /login:|[Pp]assword|[#$] ?$|\buid=|\(initramfs\)|Press .* (for maintenance|to continue)|emergency mode|rescue mode|grub>|Shell>|sh-\d|bash:/m;
const PAUSE_MS = 300;

/** Types at the console and sends breaks until `stop` settles. */
export async function hammer(guest: AttackGuest, stop: Promise<unknown>): Promise<void> {
  let stopped = false;
  void stop.finally(() => (stopped = true));
  for (let i = 0; !stopped; i++) {
    // A guest that ends meanwhile takes its port with it.
    await guest.type(Buffer.from(KEYS[i % KEYS.length] ?? "\r", "latin1")).catch(() => undefined);
    if (i % 4 === 3) await guest.guest.sendBreak().catch(() => undefined);
    await Promise.race([stop, new Promise((resolve) => setTimeout(resolve, PAUSE_MS))]);
  }
}

/** That nothing at the console ever asked or answered. */
export async function proveNoPrompt(guest: AttackGuest): Promise<AttackProof> {
  const found = PROMPT.exec(await guest.serial())?.[0];
  return { what: "no prompt and no shell at the console, whatever was typed from power-on", held: found === undefined, detail: found === undefined ? "keys and breaks all along" : JSON.stringify(found) };
}
