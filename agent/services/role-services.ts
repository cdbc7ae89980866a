import { ADMITTED_TARGET } from "../../proto/release/admitted-target.ts";
import { errorChain } from "../../proto/wire/error-chain.ts";
import type { Ports } from "../ports.ts";

/**
 * The role's own services, which run only on a node that is admitted. systemd does the rest by itself; a call that fails is said and no reason to
 * lose the planes.
 */
export class RoleServices {
  readonly #ports: Pick<Ports, "runner" | "log">;
  /** What this agent asked for last; unknown after a restart. */
  #asked: "start" | "stop" | null = null;

  constructor(ports: Pick<Ports, "runner" | "log">) {
    this.#ports = ports;
  }

  /** After the planes are up. */
  async start(): Promise<void> {
    await this.#ask("start");
  }

  /** After the planes are gone for good. */
  async stop(): Promise<void> {
    await this.#ask("stop");
  }

  async #ask(verb: "start" | "stop"): Promise<void> {
    if (this.#asked === verb) return;
    try {
      await this.#ports.runner.run(["systemctl", verb, "--no-block", ADMITTED_TARGET]);
      this.#asked = verb;
    } catch (error) {
      this.#ports.log.line(`could not ${verb} the role's services: ${errorChain(error)}`);
    }
  }
}
