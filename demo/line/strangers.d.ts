import type { Demo } from "../demo.ts";
/** The altered image is rejected, and `explain` says which event of which PCR differs, expected and found, in words. */
export declare function proveRejected(demo: Demo): Promise<void>;
/** The right image on a TPM that nobody stamped: unanchored, said in words, and no plain approval takes it. */
export declare function proveUnanchored(demo: Demo): Promise<void>;
