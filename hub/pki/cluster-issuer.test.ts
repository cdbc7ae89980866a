import t from "tap";
import { parseCertificate } from "../../proto/pki/parse-certificate.ts";
import { verifyIdentity, verifyOperator } from "../../proto/pki/verify.ts";
import { HubWorld } from "../../test/fakes/hub-world.ts";
import { TestMachine, TestStream } from "../../test/fakes/test-agent.ts";
import { hostPorts } from "../host/host-ports.ts";

const DAY_MS = 86_400_000;

t.test("a node whose clock is days behind the hub's takes the hub's certificate, its own and an approval", async (t) => {
  const world = await HubWorld.make();
  const machine = await TestMachine.boot();
  world.pin("w-1", machine.ekName);
  world.approvals = [world.approval(machine.ekName, "w-1")];
  // The node's clock is the real one, also for OpenSSL; so the hub's is ahead.
  const hub = await world.start({ clock: { monotonicMs: () => hostPorts().clock.monotonicMs(), wallMs: () => Date.now() + 2 * DAY_MS } });
  const stream = new TestStream(hub.nodePort, machine.key, [machine.certificate], world.image.rootCa);
  t.teardown(async () => {
    stream.close();
    await hub.close();
    await machine.stop();
    world.remove();
  });
  await stream.attest(machine);
  const { certificateChain, approval } = await stream.next("admission", 15_000);
  const question = { root: world.image.rootCa, cluster: world.image.cluster, now: new Date() };
  const der = (chain: readonly Buffer[] = []): Uint8Array[] => chain.map((certificate) => new Uint8Array(certificate));
  const chain = der(certificateChain);
  t.equal(verifyIdentity({ ...question, role: "node", chain }).name, "w-1");
  t.equal(verifyOperator({ ...question, chain: der(approval?.certificateChain) }).name, "alice");
  const [leaf, issuer] = chain.map(parseCertificate);
  t.same(leaf?.notBefore, issuer?.notBefore, "valid from its issuer's first moment");
  t.ok((leaf?.notAfter.getTime() ?? 0) > Date.now() + 366 * DAY_MS, "and to a year after the hub's date");
  const early = new Date((issuer?.notBefore.getTime() ?? 0) - 1000);
  t.throws(() => verifyIdentity({ ...question, now: early, role: "node", chain }), { code: "NOT_YET_VALID" }, "not before");
  const late = new Date((leaf?.notAfter.getTime() ?? 0) + 1000);
  t.throws(() => verifyIdentity({ ...question, now: late, role: "node", chain }), { code: "EXPIRED" }, "nor after its end");
});
