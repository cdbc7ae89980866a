import type { Argv, Runner } from "../ports.ts";
import type { WireguardOp } from "./plan.ts";

/** A command and, where it needs one, a secret for its standard input. */
export interface Command {
  readonly argv: Argv;
  readonly stdin?: string;
}

/**
 * Operations → commands: neighbouring changes of one tool become one command (`ip -batch -`, or one `wg set` an interface).
 * `privateKey` gives an interface's key in base64; it appears in no argument.
 */
export function renderCommands(ops: readonly WireguardOp[], privateKey: (dev: string) => string): readonly Command[] {
  const groups: { dev: string | null; ops: WireguardOp[] }[] = [];
  for (const op of ops) {
    const dev = ipLine(op) === null ? op.dev : null;
    const last = groups.at(-1);
    if (last !== undefined && last.dev === dev) last.ops.push(op);
    else groups.push({ dev, ops: [op] });
  }
  return groups.map(({ dev, ops }) => {
    if (dev === null) return { argv: ["ip", "-batch", "-"], stdin: `${ops.map(ipLine).join("\n")}\n` };
    const argv: Argv = ["wg", "set", dev, ...ops.flatMap(wgArguments)];
    return ops.some((op) => op.op === "key-set") ? { argv, stdin: `${privateKey(dev)}\n` } : { argv };
  });
}

/** Runs the commands in their order. Throws {@link AgentError} `COMMAND_FAILED` at the first that fails. */
export async function applyWireguard(runner: Runner, ops: readonly WireguardOp[], privateKey: (dev: string) => string): Promise<void> {
  for (const { argv, stdin } of renderCommands(ops, privateKey)) await runner.run(argv, stdin);
}

function ipLine(op: WireguardOp): string | null {
  switch (op.op) {
    case "link-remove":
      return `link delete dev ${op.dev}`;
    case "link-add":
      return `link add dev ${op.dev} type wireguard`;
    case "address-remove":
      return `address delete ${op.address} dev ${op.dev}`;
    case "address-add":
      return `address replace ${op.address} dev ${op.dev}`;
    case "link-up":
      return `link set dev ${op.dev} mtu ${op.mtu} up`;
    case "route-add":
      return `route replace ${op.cidr} dev ${op.dev}`;
    default:
      return null;
  }
}

function wgArguments(op: WireguardOp): readonly string[] {
  switch (op.op) {
    case "key-set":
      return ["private-key", "/dev/stdin"];
    case "listen-port-set":
      return ["listen-port", String(op.port)];
    case "peer-remove":
      return ["peer", op.publicKey, "remove"];
    case "peer-set": {
      const { publicKey, endpoint, keepalive, allowedIps } = op.peer;
      const dialled = endpoint === null ? [] : ["endpoint", endpoint];
      return ["peer", publicKey, ...dialled, "persistent-keepalive", String(keepalive), "allowed-ips", allowedIps.join(",")];
    }
    default:
      return [];
  }
}
