import { errorChain } from "../../proto/wire/error-chain.ts";
import { errorCode } from "../error.ts";
import type { Ports } from "../ports.ts";
import type { StatusBoard } from "../status/status-board.ts";
import type { Facts } from "./facts.ts";

/** What every step gets beside the facts that it names. */
export interface Boot {
  readonly ports: Ports;
  readonly status: StatusBoard;
  /** Aborts when the agent is told to stop. */
  readonly signal: AbortSignal;
}

/** One step of the first boot. Idempotent: after a crash all steps run again from the first. */
export interface Step {
  readonly name: string;
  /** Facts that earlier steps must have given. */
  readonly needs: readonly (keyof Facts)[];
  /** Whether its failure ends the boot: `kubedos-failed` is extended and the machine powers off. */
  readonly fatal: boolean;
  run(boot: Boot, facts: Partial<Facts>): Promise<Partial<Facts>>;
}

/** One step, or some that run side by side: none of them needs what another one of them finds. */
export type StepGroup = Step | readonly Step[];

/** A {@link Step} whose `run` sees exactly the facts it names, and sees them present. */
export function defineStep<N extends keyof Facts = never>(step: {
  readonly name: string;
  readonly needs: readonly N[];
  readonly fatal?: boolean;
  run(boot: Boot, facts: Pick<Facts, N>): Promise<Partial<Facts>>;
}): Step {
  return {
    name: step.name,
    needs: step.needs,
    fatal: step.fatal ?? true,
    run: (boot, facts) => {
      const missing = step.needs.filter((name) => facts[name] === undefined);
      if (missing.length > 0) throw new Error(`step ${step.name} lacks ${missing.join(", ")}: the list is out of order`);
      return step.run(boot, facts as Pick<Facts, N>);
    },
  };
}

/** Pause before a step that may fail is tried again. */
const RETRY_MS = 2000;

/**
 * Runs steps in their order, on `known` facts; each one's facts are there for the next. Throws what a fatal step throws; the others are
 * tried until they hold. Null: the signal came first.
 */
export async function runSteps(steps: readonly StepGroup[], boot: Boot, known: Partial<Facts> = {}): Promise<Facts | null> {
  let facts = known;
  for (const group of steps) {
    const found = await Promise.all([group].flat().map((step) => startStep(step, boot, facts)));
    facts = Object.assign({}, facts, ...found);
    if (boot.signal.aborted) return null;
  }
  return facts as Facts;
}

async function startStep(step: Step, boot: Boot, facts: Partial<Facts>): Promise<Partial<Facts>> {
  boot.status.step(step.name);
  return await runStep(step, boot, facts);
}

async function runStep(step: Step, boot: Boot, facts: Partial<Facts>): Promise<Partial<Facts>> {
  while (!boot.signal.aborted) {
    try {
      return await step.run(boot, facts);
    } catch (error) {
      if (step.fatal) throw error;
      boot.status.node({ state: "unreachable", code: errorCode(error), message: `${step.name}: ${errorChain(error)}` });
      await boot.ports.clock.sleep(RETRY_MS, boot.signal);
    }
  }
  return {};
}
