import type { AttackProof } from "../attack.ts";
import type { AttackGuest } from "../attack-guest.ts";
import type { AttackWorld } from "../world.ts";

const TRACE = "/run/kubedos/attacked";

/** From inside: exactly the honest worker's mounts, all of memory but the one verity device, no swap, and nothing of the attacker's has run. */
export async function proveNotMounted(world: AttackWorld, guest: AttackGuest): Promise<readonly AttackProof[]> {
  const [own, honest] = [await guest.look(), await world.honest.guest.look()];
  const list = (mounts: typeof own.mounts): string => mounts.map((m) => `${m.target} ${m.type} ${m.source}`).sort().join("\n");
  const devices = own.mounts.filter((m) => m.source.startsWith("/dev/") && m.target !== "/");
  const root = own.mounts.find((m) => m.target === "/");
  return [
    { what: "from inside: the mounts are the honest worker's", held: list(own.mounts) === list(honest.mounts), detail: `${own.mounts.length} mounts` },
    { what: "from inside: the only file system from a disk is the verity root", held: devices.length === 0 && root?.source.startsWith("/dev/dm-") === true, detail: [root, ...devices].map((m) => `${m?.target} from ${m?.source}`).join(", ") },
    { what: "from inside: nothing is swapped to", held: own.swaps.length === 0, detail: own.swaps.join(", ") },
    { what: "from inside: nothing that lay there has run", held: (await guest.readFile(TRACE)) === null, detail: TRACE },
  ];
}
