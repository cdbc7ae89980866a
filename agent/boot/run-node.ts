import { errorChain } from "../../proto/wire/error-chain.ts";
import { errorCode } from "../error.ts";
import type { Ports } from "../ports.ts";
import { StatusBoard } from "../status/status-board.ts";
import { failNode } from "./fail-node.ts";
import { FIRST_BOOT } from "./first-boot.ts";
import type { Facts } from "./facts.ts";
import { serveNode } from "./serve-node.ts";
import { type Boot, runSteps } from "./step.ts";

/** The agent's whole life; gives its exit code. A first boot that can't go on takes the machine down with it. */
export async function runNode(ports: Ports, signal: AbortSignal): Promise<number> {
  const status = new StatusBoard(ports);
  const boot: Boot = { ports, status, signal };
  let facts: Facts | null;
  try {
    facts = await runSteps(FIRST_BOOT, boot);
  } catch (error) {
    status.node({ state: "failed", code: errorCode(error), message: errorChain(error) });
    await status.flush();
    await failNode(ports, errorChain(error));
    return 1;
  }
  if (facts !== null) await serveNode(boot, facts);
  await status.flush();
  return 0;
}
