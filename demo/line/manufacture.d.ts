import type { Demo } from "../demo.ts";
/** `keys init` and an operator, by the real program; kept for the next run, so that it finds its images again. */
export declare function makeKeys(demo: Demo): Promise<void>;
/** One spec in, signed images and release.json out. */
export declare function buildImages(demo: Demo): Promise<void>;
