import { Demo } from "./demo.ts";
/** Where keys, operator and releases of the demo are; `down` leaves them, deleting the folder forgets them. */
export declare const DEMO_HOME: string;
/** What the command line asked for. */
export interface DemoOptions {
    readonly json: boolean;
    readonly specFile: string;
    readonly signal: AbortSignal;
    /** Called with everything still running, before it is ended. */
    readonly hold?: (demo: Demo) => Promise<void>;
}
/** Runs the line; ends every guest whatever happens. Gives the exit code: 0 only if everything held. */
export declare function runDemo(options: DemoOptions): Promise<number>;
