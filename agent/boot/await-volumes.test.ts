import t from "tap";
import { AgentWorld } from "../../test/fakes/agent-world.ts";
import { imageConfig } from "../../test/fakes/agent-case.ts";
import { until } from "../../test/fakes/live-node.ts";
import type { ImageConfig } from "../../proto/release/image-config.ts";
import { utf8 } from "../../proto/wire/bytes.ts";
import { PATHS } from "../paths.ts";
import { StatusBoard } from "../status/status-board.ts";
import { type VolumeState, writeVolumeStates } from "../volumes/volumes-file.ts";
import { awaitVolumes } from "./await-volumes.ts";
import { measureAgent } from "./measure-agent.ts";
import { readConfig } from "./read-config.ts";
import { runSteps } from "./step.ts";

const BOOT_ID = "a4852c21-6df1-4148-ba93-00485be83aaf";
const STEPS = [readConfig, measureAgent, awaitVolumes];
const volumes = [{ name: "hub", mount: "/var/lib/kubedos-hub" }];

/** An agent's first steps; `over` when it got past its volumes. */
function start(config: ImageConfig = { ...imageConfig("root", true), volumes }) {
  const world = new AgentWorld(config, BOOT_ID);
  const stop = new AbortController();
  const ports = world.ports(stop);
  const status = new StatusBoard(ports);
  const result = { over: false };
  const done = runSteps(STEPS, { ports, status, signal: stop.signal }).then((facts) => (result.over = facts !== null));
  const say = (bootId: string, ...states: readonly VolumeState[]) => writeVolumeStates(ports.files, bootId, states);
  return { world, status, result, say, stop: () => (stop.abort(), done) };
}

t.test("a role without volumes waits for nothing", async (t) => {
  const agent = start(imageConfig("root", false));
  await until("past it", () => agent.result.over);
  t.same(agent.status.status.volumes, []);
  await agent.stop();
});

t.test("the agent goes on when its volumes are open, in this boot", async (t) => {
  const agent = start();
  await until("the wait", () => agent.status.status.steps.some((s) => s.name === "await-volumes"));
  await agent.say("b4852c21-6df1-4148-ba93-00485be83aaf", { name: "hub", state: "open", made: false });
  t.notOk(agent.result.over, "what another boot said");
  await agent.say(BOOT_ID, { name: "hub", state: "open", made: true });
  await until("past it", () => agent.result.over);
  t.same(agent.status.status.volumes, [{ name: "hub", state: "open", made: true }]);
  await agent.stop();
});

t.test("without its volume it asks nobody to be admitted, and says why", async (t) => {
  const agent = start();
  await agent.say(BOOT_ID, { name: "hub", state: "failed", code: "VOLUME_LOCKED", message: "nobody approved it" });
  await until("a code", () => agent.status.status.node.state === "unreachable");
  t.match(agent.status.status.node, { code: "VOLUME_FAILED", message: /volume hub: VOLUME_LOCKED: nobody approved it/ });
  t.notOk(agent.result.over);
  await agent.stop();
  t.notOk(agent.result.over);
});

t.test("a file that this system doesn't write opens nothing", async (t) => {
  const agent = start();
  agent.world.put(PATHS.volumes, utf8('{"kind":"kubedos/volumes"}'));
  await until("a code", () => agent.status.status.node.state === "unreachable");
  t.notOk(agent.result.over);
  await agent.stop();
});
