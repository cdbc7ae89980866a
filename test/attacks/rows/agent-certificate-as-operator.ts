import { type Client, status } from "@grpc/grpc-js";
import { AdminServiceService } from "../../../proto/gen/kubedos/v1/admin.ts";
import { operatorClient } from "../../fakes/admin-client.ts";
import type { TestIdentity } from "../../fakes/pki.ts";
import { selfSigned } from "../../fakes/test-agent.ts";
import { puppetAttack } from "../puppet-attack.ts";
import type { PuppetScene } from "../puppet-scene.ts";

/** A node that an operator did let in turns its certificate on the operators' listener. */
export const agentCertificateAsOperator = puppetAttack({
  name: "agent-certificate-as-operator",
  title: "an approved node's certificate, used on the operators' listener",
  ci: true,
  async act(scene) {
    const { world } = scene;
    const machine = await scene.boot();
    const chain = await scene.admitted(machine);
    const operator = await world.hub(["window", "status"]);
    scene.prove("an operator's certificate is served there", operator.code === 0, operator.stderr.trim());

    const before = (await world.nodes()).length;
    const self = await selfSigned(machine.key);
    const callers: readonly (readonly [string, TestIdentity | null])[] = [
      ["the node's certificate", { key: machine.key, chain }],
      ["the node's certificate without its issuer", { key: machine.key, chain: chain.slice(0, 1) }],
      ["a self-signed certificate", { key: machine.key, chain: [self] }],
      ["no certificate", null],
    ];
    for (const [what, identity] of callers) {
      const served = await callsServed(scene, identity);
      scene.prove(`${what} is served no call at all`, served.length === 0, served.length === 0 ? `${CALLS.length} calls refused` : served.join(", "));
    }
    const node = await world.node(machine.ekName);
    scene.prove("the node is what it was, and so is everybody else", node?.state === "connected" && (await world.nodes()).length === before, node?.state ?? "unknown");
    await scene.revoke(machine, "end of the attack");
    return { ...scene.outcome("NOT_AN_OPERATOR", await scene.explanation("NOT_AN_OPERATOR", machine.ekName)), end: "no-effect" };
  },
});

/** Calls with what would do harm; all others go out with an empty request, which is one too. */
const HARM = {
  approve: AdminServiceService.approve.requestSerialize({ id: "honest", approval: undefined, acceptRisks: ["unanchored"] }),
  closeWindow: AdminServiceService.closeWindow.requestSerialize({}),
  deny: AdminServiceService.deny.requestSerialize({ id: "honest", reason: "attack" }),
  getEvidence: AdminServiceService.getEvidence.requestSerialize({ id: "honest" }),
  openWindow: AdminServiceService.openWindow.requestSerialize({ seconds: 3600, max: 100 }),
  revoke: AdminServiceService.revoke.requestSerialize({ id: "honest", reason: "attack" }),
} as const;

/** Every call of the operators' service: its path and its request. */
const CALLS = Object.entries(AdminServiceService).map(([name, { path }]) => ({ name, path, request: (HARM as Readonly<Record<string, Buffer>>)[name] ?? Buffer.alloc(0) }));

/** Names of the calls that were answered, or refused only after the caller was taken for an operator. */
async function callsServed(scene: PuppetScene, identity: TestIdentity | null): Promise<readonly string[]> {
  const { operatorPort, rootCa, cluster } = scene.stage;
  const client = operatorClient(operatorPort, identity, rootCa, cluster);
  try {
    const served: string[] = [];
    for (const { name, path, request } of CALLS) {
      const said = await call(client, path, request);
      if (!REFUSALS.includes(said)) served.push(`${name}: ${said}`);
    }
    return served;
  } finally {
    client.close();
  }
}

/** By the hub's own code, or because the listener cut the connection before gRPC. */
const REFUSALS: readonly string[] = ["NOT_AN_OPERATOR", "UNAVAILABLE"];

function call(client: Client, path: string, request: Buffer): Promise<string> {
  return new Promise((resolve) => {
    client.makeUnaryRequest(path, (data: Buffer) => data, (data) => data, request, (error) => {
      if (error === null) return resolve("answered");
      const [code] = error.metadata.get("kubedos-code");
      resolve(code?.toString() ?? status[error.code]);
    });
  });
}
