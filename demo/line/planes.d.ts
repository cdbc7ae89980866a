import type { Demo } from "../demo.ts";
/** From inside the guests: every plane both ways, and a port that is shut on the LAN and open on wg1. */
export declare function provePlanes(demo: Demo): Promise<void>;
