import type { NodeObject } from "../../hub/cli/output/objects.ts";
import type { Reporter } from "../report.ts";
import { PlayedNode } from "./played-node.ts";
import { type RecordedName, type RecordedNode, recordedNode, type Recording } from "./recording.ts";
import type { ReplayHub } from "./replay-hub.ts";
import type { Transcript } from "./transcript.ts";

/** One replay: what was recorded, the hub that judges it, and the streams that are played to it. */
export class Replay {
  readonly recording: Recording;
  readonly hub: ReplayHub;
  readonly report: Reporter;
  readonly transcript: Transcript;
  /** A folder for files of this replay. */
  readonly dir: string;
  readonly signal: AbortSignal;
  readonly #played = new Map<RecordedName, PlayedNode>();
  readonly #streams: PlayedNode[] = [];

  constructor(parts: Pick<Replay, "recording" | "hub" | "report" | "transcript" | "dir" | "signal">) {
    this.recording = parts.recording;
    this.hub = parts.hub;
    this.report = parts.report;
    this.transcript = parts.transcript;
    this.dir = parts.dir;
    this.signal = parts.signal;
  }

  node(name: RecordedName): RecordedNode {
    return recordedNode(this.recording, name);
  }

  /** The stream of a machine that was dialled as itself. */
  played(name: RecordedName): PlayedNode {
    const played = this.#played.get(name);
    if (played === undefined) throw new Error(`${name} was not played yet`);
    return played;
  }

  /** Opens a stream with a machine's recorded hello; the hub asks the recorded challenge. */
  async dial(name: RecordedName): Promise<PlayedNode> {
    this.hub.entropy.expect(this.node(name).challenge);
    const played = await this.dialAfresh(name);
    this.#played.set(name, played);
    return played;
  }

  /** The same, but the hub asks what it likes. */
  async dialAfresh(name: RecordedName): Promise<PlayedNode> {
    const played = await PlayedNode.dial(this.node(name), this.hub, this.signal);
    this.#streams.push(played);
    return played;
  }

  /** Every machine that the hub knows. */
  async nodes(): Promise<readonly NodeObject[]> {
    return (await this.transcript.json<{ readonly items: readonly NodeObject[] }>(["nodes"])).items;
  }

  /** What the hub says of a recorded machine. Throws where it doesn't know it. */
  async nodeObject(name: RecordedName): Promise<NodeObject> {
    const { ekName } = this.node(name);
    const found = (await this.nodes()).find((n) => n.ekName === ekName);
    if (found === undefined) throw new Error(`the hub does not know ${name}`);
    return found;
  }

  close(): void {
    for (const stream of this.#streams) stream.close();
  }
}
