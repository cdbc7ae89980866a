import type { Demo } from "./demo.ts";
/**
 * Keeps the cluster until it is told to end. It belongs to a process of its own session, started by {@link startKeeper}:
 * guests die with the process that started them, so nothing can be left behind by accident.
 */
export declare function hold(demo: Demo): Promise<void>;
/** Runs the demo in a session of its own, shows what it says, and returns once the cluster is kept (0) or the demo failed. */
export declare function startKeeper(argv: readonly string[], signal: AbortSignal): Promise<number>;
/** Ends a kept cluster; 0 also where none was running. */
export declare function down(): Promise<number>;
