import type { Evidence } from "../../../proto/gen/kubedos/v1/node.ts";
import { parseEvidenceFile } from "../../../hub/cli/evidence-file.ts";
import { utf8 } from "../../../proto/wire/bytes.ts";
import { puppetAttack } from "../puppet-attack.ts";
import type { PuppetScene } from "../puppet-scene.ts";

/** Good evidence is sent a second time: the honest worker's own by a stranger, and a machine's own by itself. */
export const evidenceReplayed = puppetAttack({
  name: "evidence-replayed",
  title: "good evidence that was recorded is sent again, to another challenge",
  ci: true,
  async act(scene) {
    const machine = await scene.boot();
    await replayHonest(scene, machine);

    const first = scene.stream(machine);
    const asked = await scene.challenge(first, machine);
    const recorded = await first.evidence(machine, asked);
    const passed = await scene.submit(first, recorded);
    scene.prove("the puppet's evidence passes the first time", passed.t === "waiting", passed.t);
    const twice = await scene.submit(first, recorded);
    scene.refused("sent again on the same stream: the challenge is spent", twice, "PROTOCOL_ERROR");
    await scene.leave(first, machine);

    scene.refused("sent again on a new stream: the old secret opens nothing", await scene.attempt(machine, {}, () => recorded), "SECRET_WRONG");
    const withSecret = (fresh: Evidence): Evidence => ({ ...recorded, secret: fresh.secret });
    scene.refused("with the new challenge's secret, which the TPM gave: the quote is bound to the old nonce", await scene.attempt(machine, {}, withSecret), "BINDING_WRONG");
    return await scene.outside("BINDING_WRONG", machine);
  },
});

/** What the hub itself had believed and recorded of the honest worker, in his name, by somebody without his TPM. */
async function replayHonest(scene: PuppetScene, by: Parameters<PuppetScene["stream"]>[0]): Promise<void> {
  const { world } = scene;
  const { evidence } = parseEvidenceFile(utf8(world.honest.evidence));
  const stream = scene.stream(by);
  const asHello = { ekPublic: Buffer.from(evidence.ekPublic), akPublic: Buffer.from(evidence.akPublic) };
  stream.send({ $case: "hello", value: { protocol: 1, cluster: scene.stage.cluster, bootId: "", ekCertificate: Buffer.alloc(0), ekIntermediates: [], ...asHello } });
  await stream.next("challenge", 60_000);
  const bytes = (data: Uint8Array): Buffer => Buffer.from(data);
  const answer = await scene.submit(stream, {
    secret: bytes(evidence.secret),
    quote: bytes(evidence.quote),
    signature: bytes(evidence.signature),
    claims: bytes(evidence.claims),
    firmwareLog: bytes(evidence.firmwareLog),
    userspaceLog: bytes(evidence.userspaceLog),
  });
  scene.refused("the honest worker's recorded evidence, sent by a stranger in his name", answer, "SECRET_WRONG");
  stream.close();
  const node = (await world.nodes()).find((n) => n.ekName === world.honest.ekName);
  scene.prove("and the honest worker, in whose name it was, is still inside", node?.state === "connected" && node.attached, node?.state ?? "unknown");
}
