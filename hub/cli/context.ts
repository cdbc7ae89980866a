import type { Admin } from "./connect/admin.ts";
import type { Format } from "./output/format.ts";
import type { View } from "./output/view.ts";
import type { CliPorts } from "./ports.ts";

/** What a running command may use. */
export interface Context {
  readonly ports: CliPorts;
  readonly format: Format;
  readonly headers: boolean;
  /** Data, to stdout, in the format that was asked for. */
  readonly print: (view: View) => void;
  /** A line of prose, to stderr. */
  readonly say: (text: string) => void;
  /** The hub; connected at the first call, closed when the command ends. */
  readonly hub: () => Promise<Admin>;
  /** What Ctrl-C should add, once the hub has work of ours: a sentence that says how to look at it. */
  readonly goesOn: (sentence: string) => void;
}
