import { setTimeout as sleep } from "node:timers/promises";
import { type Admin, connectAdmin } from "../../hub/cli/connect/admin.ts";
import { type NodeObject, nodeObject } from "../../hub/cli/output/objects.ts";
import { terminalPorts } from "../../hub/cli/terminal-ports.ts";

const FRESH_MS = 700;

/**
 * The hub's list of nodes for everybody who waits for something in it: one connection, one question at a time, and an answer of
 * a moment ago serves those who ask meanwhile.
 */
export class NodeWatch {
  readonly #admin: Admin;
  #asked: Promise<readonly NodeObject[]> | null = null;
  #at = 0;

  private constructor(admin: Admin) {
    this.#admin = admin;
  }

  static async connect(address: string, identityDir: string, signal: AbortSignal): Promise<NodeWatch> {
    const [host = "", port = ""] = address.split(":");
    return new NodeWatch(await connectAdmin({ t: "tls", host, port: Number(port), identityDir }, terminalPorts(signal)));
  }

  /** Every node, as it was at most {@link FRESH_MS} ago. */
  async nodes(): Promise<readonly NodeObject[]> {
    if (this.#asked === null || performance.now() - this.#at > FRESH_MS) {
      this.#at = performance.now();
      this.#asked = this.#ask();
    }
    return await this.#asked;
  }

  close(): void {
    this.#admin.close();
  }

  /** A busy host makes the master slow; what counts is what it says in the end. */
  async #ask(): Promise<readonly NodeObject[]> {
    for (let tries = 1; ; tries++) {
      try {
        return (await this.#admin.listNodes([])).map(nodeObject);
      } catch (error) {
        if (tries >= 3) throw error;
        await sleep(1000);
      }
    }
  }
}
