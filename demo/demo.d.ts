import type { Status } from "../agent/status/status.ts";
import type { ProbeAnswer } from "../agent/mailbox/probe.ts";
import type { QemuCluster } from "../builder/deploy/qemu-cluster.ts";
import type { OpenKeys } from "../builder/keys/open-keys.ts";
import type { Toolchain } from "../builder/toolchain/ensure-toolchain.ts";
import type { NodeObject } from "../hub/cli/output/objects.ts";
import type { Release } from "../proto/release/release.ts";
import type { ClusterSpec } from "../proto/spec/schema.ts";
import { type Ended } from "./programs.ts";
import type { Reporter } from "./report.ts";
/** What the build left for the phases behind it. */
export interface Built {
    readonly spec: ClusterSpec;
    readonly keys: OpenKeys;
    readonly release: Release;
    readonly releaseDir: string;
    readonly tc: Toolchain;
}
/** One run of the demo: where its files are, what exists so far, and how its phases look at the world. */
export declare class Demo {
    #private;
    readonly report: Reporter;
    readonly signal: AbortSignal;
    /** Keys, operator and releases; kept from run to run. */
    readonly home: string;
    /** Guests of this run; short, for sockets are in it. */
    readonly state: string;
    readonly specFile: string;
    constructor(options: {
        readonly report: Reporter;
        readonly signal: AbortSignal;
        readonly home: string;
        readonly state: string;
        readonly specFile: string;
    });
    get keysDir(): string;
    get operatorDir(): string;
    get passphraseFile(): string;
    get built(): Built;
    set built(built: Built);
    get cluster(): QemuCluster;
    set cluster(cluster: QemuCluster);
    /** Ends all guests; safe at any point. */
    stop(): Promise<void>;
    /** How the operator's CLI reaches the hub. */
    get connection(): readonly string[];
    /** The operator's CLI, over mutual TLS. */
    hub(argv: readonly string[]): Promise<Ended>;
    /** Like {@link hub}, for a call that must succeed; gives its JSON. */
    hubJson<T>(argv: readonly string[]): Promise<T>;
    /** Every node the hub knows. */
    nodes(): Promise<readonly NodeObject[]>;
    /** Waits until `test` gives something; says what it waited for when it doesn't. */
    until<T>(what: string, seconds: number, test: () => Promise<T | null>): Promise<T>;
    /** Waits until the hub shows a machine with this EK in one of these states. */
    untilState(ekName: string, states: readonly string[], seconds: number): Promise<NodeObject>;
    /** The guest's own redacted status, read through its guest agent. */
    status(name: string): Promise<Status | null>;
    /** Asks the guest's agent to try its planes from inside. */
    probe(name: string, id: number): Promise<ProbeAnswer>;
    /** Bytes of a file under the release's folder. */
    releaseFile(name: string): Promise<Uint8Array>;
}
