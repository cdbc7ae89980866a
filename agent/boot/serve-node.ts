import { serveMailbox } from "../mailbox/mailbox.ts";
import { afterFork } from "./after-fork.ts";
import type { Facts } from "./facts.ts";
import { type Boot, runSteps } from "./step.ts";
import { watchForks } from "./watch-forks.ts";

/**
 * The rest of the agent's life: the hub's stream and the host's mailbox, until the signal. A machine that was set back or copied
 * begins anew: whoever else has its memory has its keys. Throws what a fatal step throws.
 */
export async function serveNode(boot: Boot, facts: Facts): Promise<void> {
  let current: Facts | null = facts;
  while (current !== null) {
    const fork = await serveUntilFork(boot, current);
    if (fork === null) return;
    boot.ports.log.line("this machine was set back to a snapshot or copied: drops all peers and keys and attests anew");
    current = await runSteps(afterFork(fork), boot, current);
  }
}

/** Serves with these keys. The mark of a fork that they don't know; null when the signal came first. */
async function serveUntilFork({ ports, status, signal: stop }: Boot, facts: Facts): Promise<string | null> {
  const { attachForever, hubAddress } = await import("../attach/attach-forever.ts");
  const { config, bootId, hint, identity, keys, attestor, measurer, planes, firewall } = facts;
  const over = new AbortController();
  const signal = AbortSignal.any([stop, over.signal]);
  const [fork] = await Promise.all([
    watchForks(ports, keys.fork, signal).finally(() => over.abort()),
    serveMailbox({ ports, status, config, attestor, firewall, planes }, signal),
    attachForever(
      { ports, status, config, bootId, identity, keys, attestor, measurer, planes },
      hubAddress(config.hub, hint.hint?.hub),
      signal,
    ),
  ]);
  return fork;
}
