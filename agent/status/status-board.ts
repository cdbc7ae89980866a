import { utf8 } from "../../proto/wire/bytes.ts";
import { PATHS } from "../paths.ts";
import type { Ports } from "../ports.ts";
import { AGENT_VERSION } from "../version.ts";
import type { NodeStatus, Status } from "./status.ts";

/** Changes within this time are written once. */
const COALESCE_MS = 50;

/** Hex digits of the EK's Name, behind the algorithm, that a line for people shows. */
const EK_SHORT = 16;

const START: Status = {
  kind: "kubedos/status",
  version: 1,
  agent: AGENT_VERSION,
  cluster: null,
  role: null,
  bootId: null,
  ekName: null,
  phase: null,
  hint: { slot: null, refused: null },
  steps: [],
  node: { state: "booting" },
  since: 0,
  planes: [],
  volumes: [],
  refusedPeers: [],
  mailbox: { served: 0, refused: 0, unknown: 0 },
};

/** What the agent shows of itself: status.json, and one line on the console for each change of state. */
export class StatusBoard {
  readonly #ports: Pick<Ports, "files" | "clock" | "log">;
  #status: Status = START;
  #writing: Promise<void> | null = null;
  /** Whether the status is newer than what is written or on its way. */
  #isNewer = false;
  #lastLine = "";

  constructor(ports: Pick<Ports, "files" | "clock" | "log">) {
    this.#ports = ports;
  }

  get status(): Status {
    return this.#status;
  }

  /** The list of steps stands here now. */
  step(name: string): void {
    this.update({ steps: [...this.#status.steps, { name, uptime: this.#ports.clock.uptime() }] });
  }

  /** The node is in another state; says so on the console unless it said the same before. */
  node(node: NodeStatus): void {
    const ek = this.#status.ekName;
    const line = `${describe(node)}${ek === null ? "" : ` [EK ${ek.slice(4, 4 + EK_SHORT)}]`}`;
    if (line !== this.#lastLine) this.#ports.log.line(line);
    this.#lastLine = line;
    const since = node.state === this.#status.node.state ? this.#status.since : this.#ports.clock.uptime();
    this.update({ node, since });
  }

  update(change: Partial<Status>): void {
    this.#status = { ...this.#status, ...change };
    this.#isNewer = true;
    this.#writing ??= this.#writeSoon();
  }

  /** Resolves when the newest state is on file. */
  async flush(): Promise<void> {
    while (this.#writing !== null) await this.#writing;
  }

  /** One write at a time: two would share their temporary file, and one of them would put the other's half into place. */
  async #writeSoon(): Promise<void> {
    while (this.#isNewer) {
      await this.#ports.clock.sleep(COALESCE_MS);
      this.#isNewer = false;
      // A full tmpfs costs the view of the node, not the node.
      await this.#ports.files.write(PATHS.status, utf8(`${JSON.stringify(this.#status)}\n`), { mode: 0o644 }).catch(() => undefined);
    }
    this.#writing = null;
  }
}

function describe(node: NodeStatus): string {
  switch (node.state) {
    case "booting":
      return "booting";
    case "failed":
    case "unreachable":
      return `${node.state} ${node.code}: ${node.message}`;
    case "dialling":
    case "attesting":
      return `${node.state}: ${node.message}`;
    case "pending":
    case "unanchored":
      return `${node.state} as ${node.id}: ${node.message}`;
    case "refused":
      return `refused ${node.code}: ${node.message} (asks again in ${node.retryInSeconds} s)`;
    case "admitted":
    case "adrift":
      return `${node.state} as ${node.name}: ${node.message}`;
    default:
      return node satisfies never;
  }
}
