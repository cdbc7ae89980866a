import { puppetAttack } from "../puppet-attack.ts";

const A = "evidence-of-a";
const B = "evidence-of-b";

/** A lends its TPM: B has a connection, and everything in the evidence is A's and true. */
export const evidenceOfAOnBsStream = puppetAttack({
  name: "evidence-of-a-on-bs-stream",
  title: "a machine's true evidence, made for this very challenge, over another machine's connection",
  ci: true,
  slots: [A, B],
  async act(scene) {
    const a = await scene.boot({ slot: A });
    const b = await scene.boot({ slot: B });
    await scene.passes(a, "A's evidence passes over A's connection");
    await scene.passes(b, "B's evidence passes over B's connection");

    const mixed = scene.stream(b);
    const forB = await scene.challenge(mixed, b);
    const { secret } = await mixed.evidence(b, forB);
    const quotedByA = await mixed.evidence(a, forB, { secret: new Uint8Array(secret) });
    scene.refused("B's hello and secret with A's quote over B's nonce", await scene.submit(mixed, quotedByA), "SIGNATURE_WRONG");
    await scene.leave(mixed, b);

    const relayed = scene.stream(b);
    const forA = await scene.challenge(relayed, a);
    scene.refused("A's hello and A's whole evidence over B's connection", await scene.submit(relayed, await relayed.evidence(a, forA)), "TLS_KEY_WRONG");
    await scene.leave(relayed, a);
    scene.proofs.push(...(await scene.world.outside(B, b.ekName)));
    return await scene.outside("TLS_KEY_WRONG", a, A);
  },
});
