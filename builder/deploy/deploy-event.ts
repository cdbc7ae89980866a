/** What happens to a deployment, in the order in which it happens; with `--json` one line each on stdout. */
export type DeployEvent =
  | { readonly event: "stamped"; readonly cluster: string; readonly pins: string; readonly slots: readonly StampedSlot[] }
  | { readonly event: "booting"; readonly node: string; readonly console: string }
  /** The build host attested the master and certified its hub. `hub` and `identity` are what the operator's CLI takes. */
  | { readonly event: "hub"; readonly node: string; readonly ekName: string; readonly hub: string; readonly identity: string }
  /** The guest's own word, read through its guest agent: for people; nothing is decided by it. */
  | { readonly event: "state"; readonly node: string; readonly state: string; readonly planes: readonly string[] }
  | { readonly event: "ended"; readonly node: string; readonly cause: string; readonly console: string }
  | { readonly event: "stopped" };

/** A slot whose EK is in the pin file. */
export interface StampedSlot {
  readonly name: string;
  readonly role: string;
  readonly ekName: string;
}

/** One sentence for each event but `stamped`, which is a table. */
export function describeEvent(e: Exclude<DeployEvent, { readonly event: "stamped" }>): string {
  switch (e.event) {
    case "booting":
      return `${e.node}: booting; its console is ${e.console}`;
    case "hub":
      return `${e.node}: attested, its hub is certified and listens`;
    case "state":
      return `${e.node}: ${e.state}${e.planes.length === 0 ? "" : `, ${e.planes.join(", ")} up`}`;
    case "ended":
      return `${e.node}: ended (${e.cause}); ${e.console} says why`;
    case "stopped":
      return "the guests are stopped; their TPMs stay, and the next deploy finds the same machines";
    default:
      return e satisfies never;
  }
}
