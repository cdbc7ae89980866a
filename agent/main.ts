import { parseArgs } from "node:util";
import { errorChain } from "../proto/wire/error-chain.ts";
import { failNode } from "./boot/fail-node.ts";
import { runNode } from "./boot/run-node.ts";
import { AgentError, errorCode } from "./error.ts";
import { DEFAULT_TPM } from "./host/open-tpm.ts";
import { createPorts, type HostOptions } from "./host/ports.ts";
import { PATHS } from "./paths.ts";
import { printStatus } from "./status/print.ts";
import { AGENT_VERSION } from "./version.ts";

const USAGE = `kubedos-agent: proves this machine's boot to the hub, then brings up its planes

  kubedos-agent run [--root DIR] [--tpm TPM]   until it is told to stop
  kubedos-agent status [-o table|json]         what the running agent says of itself
  kubedos-agent volumes                        opens the data volumes of this image (its own unit does this)
  kubedos-agent fail [REASON] [--tpm TPM]      makes this boot worthless (PCR 11) and powers off
  kubedos-agent version

  --tpm   /dev/tpmrm0 (default), unix:/path or tcp:HOST:PORT
  --root  a folder that holds the files and programs to use instead of the machine's own
`;

/** Exit codes of DESIGN §4. */
const EXIT = { ok: 0, internal: 1, usage: 2, notFound: 3 } as const;
const MAX_STATUS_BYTES = 4 * 1024 * 1024;

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    process.stderr.write(`kubedos-agent: ${errorCode(error)}: ${errorChain(error)}\n`);
    process.exitCode = error instanceof AgentError && error.code === "USAGE" ? EXIT.usage : EXIT.internal;
  },
);

async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = parse(args);
  const [command, ...rest] = positionals;
  if (values.help) {
    process.stdout.write(USAGE);
    return EXIT.ok;
  }
  if (command !== "fail" && rest.length > 0) throw new AgentError("USAGE", `${command} takes no argument ${JSON.stringify(rest[0])}`);
  const ports = createPorts({ root: values.root, tpm: values.tpm });
  switch (command) {
    case "run":
      return await runNode(ports, stopSignal());
    case "status":
      return await showStatus(ports, values.output);
    case "volumes":
      return await openVolumes({ root: values.root, tpm: values.tpm });
    case "fail":
      if (rest.length > 1) throw new AgentError("USAGE", "fail takes one REASON");
      await failNode(ports, rest[0] ?? "a unit that this node can't do without has failed");
      return EXIT.ok;
    case "version":
      process.stdout.write(`kubedos-agent ${AGENT_VERSION}\n`);
      return EXIT.ok;
    default:
      throw new AgentError("USAGE", command === undefined ? `no command\n\n${USAGE}` : `no command ${JSON.stringify(command)}\n\n${USAGE}`);
  }
}

/** Loaded late: the agent's own start has no use for it. */
async function openVolumes(options: HostOptions): Promise<number> {
  const [{ runVolumes }, { createVolumePorts }] = await Promise.all([import("./volumes/run-volumes.ts"), import("./host/volume-ports.ts")]);
  return await runVolumes(createVolumePorts(options), stopSignal());
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        root: { type: "string", default: "/" },
        tpm: { type: "string", default: DEFAULT_TPM },
        output: { type: "string", short: "o", default: "table" },
        help: { type: "boolean", short: "h", default: false },
      },
    });
  } catch (cause) {
    throw new AgentError("USAGE", "unknown option", { cause });
  }
}

async function showStatus({ files }: ReturnType<typeof createPorts>, output: string): Promise<number> {
  if (output !== "table" && output !== "json") throw new AgentError("USAGE", `-o takes table or json, not ${JSON.stringify(output)}`);
  const data = await files.read(PATHS.status, MAX_STATUS_BYTES);
  if (data === null) {
    process.stderr.write("kubedos-agent: no status: the agent hasn't started in this boot\n");
    return EXIT.notFound;
  }
  process.stdout.write(output === "json" ? data : printStatus(data));
  return EXIT.ok;
}

function stopSignal(): AbortSignal {
  const stop = new AbortController();
  for (const name of ["SIGTERM", "SIGINT"] as const) process.on(name, () => stop.abort());
  return stop.signal;
}
