import { NextStepError } from "../next-step-error.ts";

/** A darksite that can't be made or used. */
export class DarksiteError extends NextStepError<DarksiteErrorCode> {}

/**
 * DARKSITE_UNFINISHED: no list of files, as after a stop in the middle. DARKSITE_DIFFERS: a file is missing, spoilt or not on the list.
 * DARKSITE_UNSIGNED, DARKSITE_FORGED: no signature of the release key, or not of this list. DARKSITE_LACKS: it doesn't hold what a
 * lock names. DARKSITE_BUSY: another process fills it.
 */
export type DarksiteErrorCode = "DARKSITE_UNFINISHED" | "DARKSITE_DIFFERS" | "DARKSITE_UNSIGNED" | "DARKSITE_FORGED" | "DARKSITE_LACKS" | "DARKSITE_BUSY";
