import type { Demo } from "../demo.ts";
/** Revokes the last worker: gone from the master's kernel, and its identity doesn't come back, also not after a reset. */
export declare function proveRevoked(demo: Demo): Promise<void>;
/** What the hub says at the end, for the table. */
export declare function recordNodes(demo: Demo): Promise<void>;
