import type { Runner } from "../ports.ts";
import { createSerialize, type Serialize } from "../serialize.ts";
import type { FirewallModel } from "./model.ts";
import { renderRuleset } from "./ruleset.ts";

/** The kernel's ruleset as the agent last set it. Changes are whole and ordered; an equal text isn't loaded again. */
export class Firewall {
  readonly #runner: Runner;
  readonly #serialize: Serialize = createSerialize();
  #model: FirewallModel;
  #loaded = "";

  constructor(runner: Runner, model: FirewallModel) {
    this.#runner = runner;
    this.#model = model;
  }

  /** What the ruleset says now, or will once a change under way is done. */
  get model(): FirewallModel {
    return this.#model;
  }

  /** Changes parts of the model and loads the result. Throws {@link AgentError} `COMMAND_FAILED`; the old ruleset then stays. */
  async update(change: Partial<FirewallModel>): Promise<void> {
    await this.#serialize(async () => {
      this.#model = { ...this.#model, ...change };
      const text = renderRuleset(this.#model);
      if (text === this.#loaded) return;
      await this.#runner.run(["nft", "-f", "-"], text);
      this.#loaded = text;
    });
  }
}
