import type { AttackOutcome, AttackProof } from "../attack.ts";
import type { AttackGuest } from "../attack-guest.ts";
import type { AttackWorld } from "../world.ts";

/** A drop-in for the agent's own unit, and a unit of the attacker's: each would show in the folder that the host can read. */
const DROP_IN = "[Service]\nExecStartPre=/usr/bin/touch /run/kubedos/attacked\n";
const UNIT = "[Unit]\nDefaultDependencies=no\n[Service]\nType=oneshot\nExecStart=/usr/bin/touch /run/kubedos/attacked\n";

/** What systemd would act upon, were it imported: name → contents. */
export const EVIL_CREDENTIALS: readonly (readonly [string, string])[] = [
  ["attack", "here"],
  ["systemd.unit-dropin.kubedos-agent.service", DROP_IN],
  ["systemd.extra-unit.a.service", UNIT],
  ["systemd.wants", "a.service"],
  ["passwd.hashed-password.root", "$6$x$x"],
  ["tmpfiles.extra", "f /run/kubedos/attacked 0644 - - - here\n"],
];

const ADMITTED_SECONDS = 90;

/** A file that any of them would leave behind. */
const TRACE = "/run/kubedos/attacked";

/** From inside: no credential is there, none had its effect, and the command line is the sealed one. */
export async function proveNothingImported(world: AttackWorld, guest: AttackGuest): Promise<readonly AttackProof[]> {
  const { credentials, cmdline } = await guest.look();
  const trace = await guest.readFile(TRACE);
  const honest = await world.honest.guest.look();
  return [
    { what: "from inside: systemd imported no credential", held: credentials.length === 0, detail: credentials.join(", ") },
    { what: "from inside: nothing that a credential would have started has run", held: trace === null, detail: TRACE },
    { what: "from inside: the command line is the honest worker's", held: cmdline === honest.cmdline && cmdline !== "", detail: `${cmdline.split(" ").length} words` },
  ];
}

/** For an attack through a channel that is switched off: the machine is approved like any other, and stands inside with nothing changed. */
export async function insideOutcome(world: AttackWorld, guest: AttackGuest, prove: () => Promise<readonly AttackProof[]>): Promise<AttackOutcome> {
  const ekName = world.pinnedEk(guest.slot);
  await world.untilState(ekName, ["pending"]);
  const node = await world.approve(ekName);
  await world.until(`${guest.name} to be admitted by its own word`, ADMITTED_SECONDS, async () => ((await guest.status())?.node.state === "admitted" ? true : null));
  const proofs = await prove();
  const { text, findings } = await world.explain(ekName);
  const clean: AttackProof = { what: "its evidence shows no difference from the release, and it is connected", held: findings.length === 0 && node.state === "connected", detail: node.state };
  return { end: "no-effect", code: "-", explanation: text, proofs: [clean, ...proofs], image: guest.image, serial: await guest.serial() };
}
