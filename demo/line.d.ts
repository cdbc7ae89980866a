import type { Demo } from "./demo.ts";
/** One phase of the demo: its name in the table, what it says while it runs, and what it does. */
export interface Phase {
    readonly name: string;
    readonly title: string;
    readonly run: (demo: Demo) => Promise<void>;
}
/** The demo, in order; each phase proves what it did before the next one begins. */
export declare const LINE: readonly Phase[];
