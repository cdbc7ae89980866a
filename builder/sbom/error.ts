import { NextStepError } from "../next-step-error.ts";

/** Contents of an image that nobody answers for. The code is fixed, the message names the file or package. */
export class SbomError extends NextStepError<SbomErrorCode> {}

/**
 * A file that neither a package nor an input of ours brought; one with other contents than what brought it; a package that the lock
 * doesn't hold; one of the lock that isn't there; a boot image that isn't made of what it should be.
 */
export type SbomErrorCode = "FILE_UNEXPLAINED" | "FILE_DIFFERS" | "PACKAGE_UNEXPLAINED" | "PACKAGE_ABSENT" | "UKI_UNEXPLAINED";
