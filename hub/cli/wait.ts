import type { Node } from "../../proto/gen/kubedos/v1/admin.ts";
import { CliError } from "./cli-error.ts";
import type { Admin } from "./connect/admin.ts";
import type { Context } from "./context.ts";
import { EXIT } from "./exit-codes.ts";
import { CONNECTED, ENDED, hasPlanes, nodeName } from "./node-state.ts";
import { formatAge } from "./output/age.ts";
import { printable } from "./output/printable.ts";

const EVERY_MS = 500;

/**
 * Asks for the node until it is connected and its kernel has its planes. A hub that is away for a moment is waited for like everything else. Throws
 * CliError `REFUSED` when the node went elsewhere, `TIMED_OUT` after `timeoutMs`.
 */
export async function waitConnected(node: Node, hub: Admin, context: Context, timeoutMs: number): Promise<Node> {
  const end = context.ports.now() + timeoutMs;
  let last = node;
  let told = "";
  for (;;) {
    if (hasPlanes(last)) return last;
    if (ENDED.includes(last.state)) throw wentElsewhere(last);
    if (told !== last.state) context.say(`waiting for ${printable(nodeName(last))} to ${CONNECTED.includes(last.state) ? "bring up its planes" : "connect"}: ${printable(last.state)}`);
    told = last.state;
    if (context.ports.now() >= end) throw timedOut(last, timeoutMs);
    await context.ports.sleep(EVERY_MS);
    last = (await tryGet(hub, node.id)) ?? last;
  }
}

async function tryGet(hub: Admin, id: string): Promise<Node | undefined> {
  try {
    return await hub.getNode(id);
  } catch (e) {
    if (e instanceof CliError && (e.exit === EXIT.unavailable || e.exit === EXIT.timedOut)) return undefined;
    throw e;
  }
}

function wentElsewhere(node: Node): CliError {
  const name = printable(nodeName(node));
  return CliError.local("REFUSED", `${name} was approved, but is now ${printable(node.state)}`, `kubedos-hub explain ${name}`);
}

function timedOut(node: Node, timeoutMs: number): CliError {
  const name = printable(nodeName(node));
  const within = `within ${formatAge(timeoutMs)}; the hub goes on`;
  const message = CONNECTED.includes(node.state)
    ? `${name} is connected, but did not say that its kernel has its planes ${within}`
    : `${name} is approved, but did not connect ${within}`;
  return CliError.local("TIMED_OUT", message, `kubedos-hub node show ${name}`);
}
