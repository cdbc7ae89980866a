import { attachForever, hubAddress } from "../attach/attach-forever.ts";
import { serveMailbox } from "../mailbox/mailbox.ts";
import type { Facts } from "./facts.ts";
import type { Boot } from "./step.ts";

/** The rest of the agent's life: the hub's stream and the host's mailbox, until the signal. */
export async function serveNode({ ports, status, signal }: Boot, facts: Facts): Promise<void> {
  const { config, bootId, hint, identity, keys, attestor, measurer, planes, firewall } = facts;
  await Promise.all([
    serveMailbox({ ports, status, config, attestor, firewall, planes }, signal),
    attachForever(
      { ports, status, config, bootId, identity, keys, attestor, measurer, planes },
      hubAddress(config.hub, hint.hint?.hub),
      signal,
    ),
  ]);
}
