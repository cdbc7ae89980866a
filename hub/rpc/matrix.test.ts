import { credentials } from "@grpc/grpc-js";
import t from "tap";
import { signedStatement, operatorClient, socketClient, unary } from "../../test/fakes/admin-client.ts";
import { LiveNode } from "../../test/fakes/live-node.ts";
import { makeIdentity, makeOperator, makePki, type TestIdentity } from "../../test/fakes/pki.ts";
import { serveHubFor } from "../../test/fakes/served-hub.ts";
import { TestMachine, TestStream } from "../../test/fakes/test-agent.ts";
import { AdminServiceService } from "../../proto/gen/kubedos/v1/admin.ts";
import { NodeServiceClient, NodeServiceService } from "../../proto/gen/kubedos/v1/node.ts";
import { issueLeaf } from "../../proto/pki/issue.ts";
import { mayDo, OPERATOR_ROLES, type OperatorRole } from "../../proto/pki/operator-role.ts";

t.setTimeout(120_000);

type AdminMethod = keyof typeof AdminServiceService;

/** Every method of the operators' API with the least role that may call it. A method without a row fails here. */
const ADMIN: Readonly<Record<AdminMethod, OperatorRole>> = {
  listNodes: "read-only",
  getNode: "read-only",
  explain: "read-only",
  getEvidence: "read-only",
  getWindow: "read-only",
  listAudit: "read-only",
  listEkPins: "read-only",
  listFirmwareChanges: "read-only",
  listReleases: "read-only",
  approve: "approver",
  deny: "approver",
  revoke: "approver",
  openWindow: "approver",
  closeWindow: "approver",
  setEkPin: "admin",
  stageRelease: "admin",
  activateRelease: "admin",
  withdrawRelease: "admin",
};
const METHODS = Object.keys(AdminServiceService) as AdminMethod[];

const [approved, pending, revoked] = await Promise.all([TestMachine.boot(), TestMachine.boot(), TestMachine.boot()]);
const { world, hub, attach, admin, audit } = await serveHubFor(t, { pinned: { "w-1": approved, "w-2": pending, "w-3": revoked }, approved: ["w-1", "w-3"], window: 9 });
const root = world.image.rootCa;

/** A node that was admitted, with the certificate that it got. */
async function admit(machine: TestMachine): Promise<{ readonly live: LiveNode; readonly identity: TestIdentity }> {
  const live = await attach(machine).admitted();
  return { live, identity: { key: machine.key, chain: (live.last("admission")?.certificateChain ?? []).map((der) => new Uint8Array(der)) } };
}

const member = await admit(approved);
const gone = await admit(revoked);
await unary(admin, "revoke", { id: gone.live.id, reason: "of a test" });
attach(pending);

const soon = new Date(Date.now() - 1000);
const day = { notBefore: new Date(Date.now() - 86_400_000), notAfter: new Date(Date.now() + 86_400_000), serial: new Uint8Array(16).fill(3) };
const byNode = await issueLeaf({ ...day, subjectKey: approved.key, cluster: "demo", role: "operator", operatorRole: "admin", name: "eve", issuer: world.pki.issuers.node });

/** Who may call nothing of the operators' API. */
const OUTSIDERS: readonly [string, TestIdentity | null][] = [
  ["no certificate", null],
  ["a pending machine", { key: pending.key, chain: [pending.certificate] }],
  ["an approved node", member.identity],
  ["a revoked node", gone.identity],
  ["a node of another cluster's root", await makeIdentity(await makePki("demo"), "node", "w-1")],
  ["an expired operator", await makeIdentity(world.pki, "operator", "old", soon)],
  ["a node as operator", { key: approved.key, chain: [byNode, world.pki.issuers.node.certificate] }],
  ["a node as hub", await makeIdentity(world.pki, "hub", "master")],
  ["another root's operator", await makeIdentity(await makePki("demo"), "operator", "alice")],
];
/** Says nothing true, so that what may be called changes nothing. */
const REQUEST = { id: "nobody", states: [], limit: 1, seconds: 0, max: 0, reason: "", approval: undefined, statement: undefined, acceptRisks: [], envelope: Buffer.alloc(0) };

/** `kubedos-code`, gRPC's status where the connection was refused, or "done". */
async function outcome(client: ReturnType<typeof socketClient>, method: AdminMethod): Promise<unknown> {
  return await unary(client, method, REQUEST as never).then(() => "done", (error: { readonly code: unknown }) => error.code);
}

t.test("S1: every method of the operators' API has a row", (t) => {
  t.same(Object.keys(ADMIN).sort(), METHODS.toSorted());
  t.end();
});

t.test("S1: no method answers who isn't an operator", async (t) => {
  for (const [who, identity] of OUTSIDERS) {
    const client = operatorClient(hub.operatorPort, identity, root);
    // 14: TLS ended, and nothing of gRPC was spoken.
    t.same(await Promise.all(METHODS.map((method) => outcome(client, method))), METHODS.map(() => 14), who);
    client.close();
  }
});

t.test("S1: an operator of each role may call what the table says", async (t) => {
  for (const role of OPERATOR_ROLES) {
    const client = operatorClient(hub.operatorPort, await makeOperator(world.pki, `the-${role}`, role), root);
    for (const method of METHODS) {
      const got = await outcome(client, method);
      if (mayDo(role, ADMIN[method])) t.notOk(["NOT_PERMITTED", "NOT_AN_OPERATOR", "READ_ONLY", "INTERNAL", 7, 12, 14, 16].includes(got as string), `${role} may ${method}: ${String(got)}`);
      else t.equal(got, "NOT_PERMITTED", `${role} may not ${method}`);
    }
    client.close();
  }
  const refused = OPERATOR_ROLES.flatMap((role) => METHODS.filter((method) => !mayDo(role, ADMIN[method])).map((method) => [`operator:the-${role}`, method.toLowerCase()]));
  t.same((await audit("call-refused")).map((row) => [row.actor, row.subject.toLowerCase()]), refused, "each try is in the audit");
});

t.test("S1: the unix socket reads and decides nothing", async (t) => {
  const client = socketClient(hub.socketPath);
  for (const method of METHODS) {
    const got = await outcome(client, method);
    if (ADMIN[method] === "read-only") t.ok(got === "done" || got === "NOT_FOUND", `${method}: ${String(got)}`);
    else t.equal(got, "READ_ONLY", method);
  }
  client.close();
});

t.test("S1: a lesser operator's word counts for nothing when a greater one carries it", async (t) => {
  const watcher = await makeOperator(world.pki, "watcher", "read-only");
  const approver = await makeOperator(world.pki, "approver", "approver");
  const good = world.approval(pending.ekName, "w-2");
  const said = (statement: typeof good) => ({ id: pending.ekName.slice(-12), approval: signedStatement(statement), acceptRisks: [] });
  const { nodes } = await unary(admin, "listNodes", { states: ["pending"] });
  const id = nodes[0]?.id ?? "";
  await t.rejects(unary(admin, "approve", { ...said(world.approval(pending.ekName, "w-2", {}, watcher)), id }), { code: "APPROVAL_INVALID" });
  await t.rejects(unary(admin, "setEkPin", { statement: signedStatement(world.ekPin("w-2", null, {}, approver)) }), { code: "EK_PIN_INVALID" });
  const client = operatorClient(hub.operatorPort, approver, root);
  t.match(await unary(client, "approve", { ...said(world.approval(pending.ekName, "w-2", {}, approver)), id }), { state: "approved" }, "an approver's own is enough");
  client.close();
});

type NodeMethod = keyof typeof NodeServiceService;
type Answer = "turned away" | "heard" | "IDENTITY_REVOKED";
/** Every method of the nodes' service, and what each caller gets from it. */
const NODE: Readonly<Record<NodeMethod, readonly (readonly [string, TestMachine, TestIdentity, Answer])[]>> = {
  attach: [
    ["a pending machine", pending, { key: pending.key, chain: [pending.certificate] }, "heard"],
    ["an approved node", approved, member.identity, "heard"],
    ["a revoked node", revoked, gone.identity, "IDENTITY_REVOKED"],
    ["a revoked node as a stranger", revoked, { key: revoked.key, chain: [revoked.certificate] }, "IDENTITY_REVOKED"],
    ["another root's node", approved, await makeIdentity(await makePki("demo"), "node", "w-1"), "turned away"],
    ["an expired node", approved, await makeIdentity(world.pki, "node", "w-1", soon), "turned away"],
    ["a node as operator", approved, { key: approved.key, chain: [byNode, world.pki.issuers.node.certificate] }, "turned away"],
    ["a node as hub", approved, await makeIdentity(world.pki, "hub", "master"), "turned away"],
    ...(await Promise.all(OPERATOR_ROLES.map(async (role) => [`an operator (${role})`, approved, await makeOperator(world.pki, "alice", role), "turned away"] as const))),
  ],
};

t.test("S1: the nodes' service hears machines, and nobody else", async (t) => {
  t.same(Object.keys(NODE), Object.keys(NodeServiceService));
  for (const [who, machine, identity, expected] of NODE.attach) {
    const stream = new TestStream(hub.nodePort, identity.key, identity.chain, root);
    stream.hello(machine);
    let got: Answer | string;
    if (expected === "heard") got = (await stream.next("challenge")).nonce.length > 0 ? "heard" : "";
    else if (expected === "turned away") {
      await stream.end();
      got = stream.error?.code === 14 && stream.received.length === 0 ? "turned away" : "";
    } else got = (await stream.next("refusal")).code;
    t.equal(got, expected, who);
    stream.close();
  }
  const bare = new NodeServiceClient(`127.0.0.1:${hub.nodePort}`, credentials.createSsl(Buffer.from(root), null, null, { checkServerIdentity: () => undefined }), { "grpc.ssl_target_name_override": "hub.demo", "grpc.enable_retries": 0 });
  const call = bare.attach();
  const error = await new Promise<{ readonly code?: number }>((resolve) => call.on("error", resolve).resume());
  t.equal(error.code, 14, "no certificate");
  bare.close();
});
