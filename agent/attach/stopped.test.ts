import { spawn } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import t from "tap";
import { boundArgv } from "../../test/fakes/bound-argv.ts";
import { admit, imageConfig, peer, rootPem } from "../../test/fakes/agent-case.ts";
import { until } from "../../test/fakes/live-node.ts";
import { type NodeCall, sendChallenge, startNodeHub } from "../../test/fakes/node-hub.ts";
import { makeIdentity, makePki } from "../../test/fakes/pki.ts";
import { nameOf } from "../../proto/tpm/public.ts";
import { toHex } from "../../proto/wire/hex.ts";

t.setTimeout(120_000);

const LEASE = 3000;

t.test("an agent that was stopped for longer than its horizon drops its peers before it does anything else", async (t) => {
  const pki = await makePki("demo");
  const hubIdentity = await makeIdentity(pki, "hub", "master-1");
  const operator = await makeIdentity(pki, "operator", "alice");
  const [m1, m2] = [peer(operator, "master-1", "master", 1, "192.168.100.1"), peer(operator, "w-2", "worker", 6)];
  const streams: NodeCall[] = [];
  const hub = await startNodeHub(hubIdentity, async (call) => {
    const hello = await call.next("hello");
    sendChallenge(call, hello, "demo", hubIdentity);
    await call.next("evidence");
    const ekName = toHex(nameOf(new Uint8Array(hello.ekPublic)));
    call.send({ $case: "admission", value: await admit(pki, operator, new X509Certificate(call.certificate).publicKey, ekName) });
    call.send({ $case: "planeUpdate", value: { epoch: 1n, serial: 1n, full: true, set: [m1], remove: [] } });
    streams.push(call);
    await new Promise(() => undefined);
  });
  const config = { ...imageConfig(rootPem(pki), false), trust: { leaseMs: LEASE, renewMs: 1000 } };
  const program = fileURLToPath(new URL("../../test/fakes/agent-process.ts", import.meta.url));
  const [file, ...args] = boundArgv([process.execPath, program, String(hub.port), JSON.stringify(config)]);
  const agent = spawn(file, args, { stdio: ["ignore", "pipe", "inherit"] });
  t.teardown(async () => {
    agent.kill("SIGKILL");
    await once(agent, "exit").catch(() => undefined);
    hub.stop();
  });
  const lines: string[] = [];
  agent.stdout.setEncoding("utf8").on("data", (text: string) => void lines.push(...text.trimEnd().split("\n")));
  const wg = (): string[] => lines.filter((line) => line.startsWith("wg set"));
  await until("a peer on all planes", () => wg().filter((line) => line.includes(m1.planes[2]?.publicKey ?? "?")).length > 0);

  agent.kill("SIGSTOP");
  await sleep(200);
  lines.length = 0;
  const [call] = streams;
  for (let i = 0; i < 20; i++) {
    // All of it waits in the agent's sockets, long beyond its time.
    call?.send({ $case: "heartbeat", value: { epoch: 1n, serial: 1n, auditHead: "", horizonMs: 900_000, verdicts: 1 } });
    if (i === 10) call?.send({ $case: "planeUpdate", value: { epoch: 1n, serial: 2n, full: false, set: [m2], remove: [] } });
    await sleep(LEASE / 15);
  }
  agent.kill("SIGCONT");
  await until("the removals", () => m1.planes.every(({ plane, publicKey }) => wg().includes(`wg set ${plane} peer ${publicKey} remove`)), 5000);
  await sleep(500);
  t.ok(wg().every((line) => line.endsWith(" remove")), `nothing else reached WireGuard: ${wg().join("; ")}`);
  t.match(lines[0], /^wg set wg1 peer .* remove$/, "and nothing was done before");
});
