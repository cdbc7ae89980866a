import type { Demo } from "../demo.ts";
/** Makes every vTPM, reads its EK and pins it, before anything has run on any of them. */
export declare function stampGuests(demo: Demo): Promise<void>;
/** Boots the master and lets the build host attest it over the guest agent, before any network to it is used. */
export declare function attestMaster(demo: Demo): Promise<void>;
