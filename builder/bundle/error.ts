import { NextStepError } from "../next-step-error.ts";

/** A recovery bundle that can't be made or followed. */
export class BundleError extends NextStepError<BundleErrorCode> {}

/**
 * NO_RELEASE: nothing to bundle there. WHICH_RELEASE: several, and nobody said which. NOT_REBUILDABLE: what a release was built from
 * isn't beside it. OTHER_BUILDER: this program makes something else of these
 * inputs. NOT_SIGNED: something was to be signed that isn't, byte for byte, what was signed at the build.
 */
export type BundleErrorCode = "NO_RELEASE" | "WHICH_RELEASE" | "NOT_REBUILDABLE" | "OTHER_BUILDER" | "NOT_SIGNED";
