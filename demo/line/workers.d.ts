import type { Demo } from "../demo.ts";
/** Names of the two guests that don't belong: an image altered after the build, and the right one on a foreign TPM. */
export declare const ALTERED = "altered";
/** See {@link ALTERED}. */
export declare const LOOKALIKE = "lookalike";
/** The workers of the spec. */
export declare function workersOf(demo: Demo): readonly string[];
/** Opens the window and boots the two workers, side by side. */
export declare function bootWorkers(demo: Demo): Promise<void>;
/** Boots the altered image and the lookalike; they go on booting while the workers are approved. */
export declare function bootStrangers(demo: Demo): Promise<void>;
/** Approves each worker in the real prompt of the real CLI, typing what the pin file says, not what the screen says. */
export declare function approveWorkers(demo: Demo): Promise<void>;
/** EK Name in the pin file. */
export declare function pinnedEk(demo: Demo, name: string): string;
