import { attachForever } from "../../agent/attach/attach-forever.ts";
import { FIRST_BOOT } from "../../agent/boot/first-boot.ts";
import { runSteps } from "../../agent/boot/step.ts";
import { systemClock } from "../../agent/host/clock.ts";
import { grpcConnector } from "../../agent/host/grpc-connector.ts";
import { PATHS } from "../../agent/paths.ts";
import { StatusBoard } from "../../agent/status/status-board.ts";
import type { ImageConfig } from "../../proto/release/image-config.ts";
import { smbiosTable } from "./agent-case.ts";
import { AgentWorld } from "./agent-world.ts";

/** An agent as a process of its own, to be stopped: `agent-process.ts PORT CONFIG`. Prints each change it makes to its played kernel. */
async function main(): Promise<void> {
  const [port = "", config = ""] = process.argv.slice(2);
  const world = new AgentWorld(JSON.parse(config) as ImageConfig, "a4852c21-6df1-4148-ba93-00485be83aaf");
  const hint = `{"v":1,"hub":{"host":"192.168.100.1","port":7443},"lan":[{"interface":"eth0","address":"192.168.100.5/24"}]}`;
  world.put(PATHS.smbios, smbiosTable([`kubedos.hint=${hint}`]));
  const stop = new AbortController();
  process.once("SIGTERM", () => stop.abort());
  const played = world.ports(stop, { hub: grpcConnector, speed: 1 });
  const runner: typeof played.runner = {
    run: async (argv, stdin) => {
      if (!argv.includes("show")) process.stdout.write(`${argv.join(" ")}\n`);
      return await played.runner.run(argv, stdin);
    },
  };
  const ports = { ...played, runner, clock: { ...played.clock, bootTime: () => systemClock.bootTime() } };
  const status = new StatusBoard(ports);
  const facts = await runSteps(FIRST_BOOT, { ports, status, signal: stop.signal });
  if (facts !== null) await attachForever({ ports, status, ...facts }, { host: "127.0.0.1", port: Number(port) }, stop.signal);
}

void main();
