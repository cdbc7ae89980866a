import { generateKeyPairSync } from "node:crypto";
import tls from "node:tls";
import { chainPem, keyPem, makeIdentity, makePki } from "../../fakes/pki.ts";
import { selfSigned } from "../../fakes/test-agent.ts";
import type { Attack, AttackProof } from "../attack.ts";
import { lure, type Lured } from "../puppet-hub.ts";
import type { AttackWorld } from "../world.ts";

/** Where it serves, and where it looks whether that can be reached: addresses of nobody in the spec. */
const PLACES = { hub: "10.100.10.250", visitor: "10.100.10.240" };

/** A hub of the same name, under a root that somebody made himself; the guest's hint, which anybody can write, leads to it. */
export const hubImpostor: Attack = {
  name: "hub-impostor",
  title: "a hub with a certificate by a foreign root, to which the guest's hint leads",
  ci: false,
  async run(world) {
    const pki = await makePki(world.demo.built.keys.cluster);
    const proofs: AttackProof[] = [];
    const lured = await lure(world, world.name, PLACES, await makeIdentity(pki, "hub", "master"), async (port) => {
      proofs.push(await serves(port));
    });
    try {
      proofs.push(...proveDeaf(lured), await neverHeard(world, world.name));
      return await luredOutcome(world, lured, proofs);
    } finally {
      await lured.close();
    }
  },
};

/** The control: whoever takes any certificate is served by it, over the LAN. */
export async function serves(port: number): Promise<AttackProof> {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const credulous = { rejectUnauthorized: false, ALPNProtocols: ["h2"], key: keyPem(privateKey), cert: chainPem([await selfSigned(privateKey)]) };
  const socket = tls.connect({ host: "127.0.0.1", port, ...credulous });
  const served = await new Promise<string>((resolve) => {
    socket.setTimeout(10_000, () => resolve("no answer"));
    socket.once("error", (error) => resolve(error.message));
    // HTTP/2: the server's SETTINGS come once it has the client's part of the handshake.
    socket.once("data", () => resolve("served"));
  });
  socket.destroy();
  return { what: "who takes any certificate reaches the impostor over the LAN and is served", held: served === "served", detail: served };
}

/** That the guest came to this hub and told it nothing. */
export function proveDeaf({ hub, said }: Lured): readonly AttackProof[] {
  return [
    { what: "the guest dialled the impostor, as its hint says, and ended every handshake itself", held: hub.dials > 1 && hub.handshakes === 0, detail: `${hub.dials} dials, ${hub.handshakes} handshakes` },
    { what: "the impostor was told nothing: no hello, no evidence", held: hub.heard.length === 0, detail: `${hub.heard.length} messages` },
    { what: "the guest's own agent says that this isn't its hub", held: said.state === "unreachable" && said.message.includes("the server is not our hub"), detail: `${said.code}: ${said.message}` },
  ];
}

/** That the true hub knows the slot's TPM as little as before. */
export async function neverHeard(world: AttackWorld, slot: string): Promise<AttackProof> {
  const node = await world.node(world.pinnedEk(slot));
  return { what: "the true hub never heard of its TPM", held: node === null || node.state === "expected", detail: node?.state ?? "unknown" };
}

/** What both rows end with. */
export async function luredOutcome(world: AttackWorld, { guest }: Lured, proofs: readonly AttackProof[]): ReturnType<Attack["run"]> {
  const { code, text } = await world.debug(guest);
  const outside = await world.outside(guest.slot, null, guest);
  return { end: "outside", code, explanation: text, proofs: [...proofs, ...outside], image: guest.image, serial: await guest.serial() };
}
