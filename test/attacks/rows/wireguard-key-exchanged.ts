import { generateKeyPairSync, randomBytes } from "node:crypto";
import type { Evidence } from "../../../proto/gen/kubedos/v1/node.ts";
import { parseClaims } from "../../../proto/evidence/claims.ts";
import { toBase64 } from "../../../proto/wire/base64.ts";
import { canonicalJson } from "../../../proto/wire/json.ts";
import { selfSigned } from "../../fakes/test-agent.ts";
import { puppetAttack } from "../puppet-attack.ts";

/** Somebody between node and hub puts his own WireGuard key into the claims, or ends both connections himself. */
export const wireguardKeyExchanged = puppetAttack({
  name: "wireguard-key-exchanged",
  title: "a man in the middle exchanges a WireGuard key in the claims, or ends TLS with a key of his own",
  ci: true,
  async act(scene) {
    const machine = await scene.boot();
    await scene.passes(machine);

    // A node that takes anybody for its hub: its quote then names the key of whom it spoke to. Ours refuses such a hub before (hub-impostor).
    const { privateKey: key, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const ownKey = new Uint8Array(publicKey.export({ type: "spki", format: "der" }));
    const middleman = scene.stream({ key, certificate: await selfSigned(key) });
    const passedOn = await scene.challenge(middleman, machine);
    const heard = await middleman.evidence(machine, passedOn, { hubKey: ownKey });
    scene.refused("a middleman with TLS on both sides passes on what the node answered him", await scene.submit(middleman, heard), "BINDING_WRONG");
    await scene.leave(middleman, machine);

    const blind = scene.stream({ key, certificate: await selfSigned(key) });
    const evidence = await blind.evidence(machine, await scene.challenge(blind, machine));
    scene.refused("even if the node had named the right hub: the claims hold the node's TLS key", await scene.submit(blind, evidence), "TLS_KEY_WRONG");
    await scene.leave(blind, machine);

    scene.refused("one WireGuard key of the claims exchanged after the quote", await scene.attempt(machine, {}, exchangeKey), "BINDING_WRONG");
    return await scene.outside("BINDING_WRONG", machine);
  },
});

function exchangeKey(evidence: Evidence): Evidence {
  const claims = parseClaims(new Uint8Array(evidence.claims));
  const wireguard = { ...claims.wireguard, wg1: toBase64(randomBytes(32)) };
  return { ...evidence, claims: Buffer.from(canonicalJson({ ...claims, wireguard })) };
}
