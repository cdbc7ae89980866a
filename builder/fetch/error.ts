import { NextStepError } from "../next-step-error.ts";

/** Something that could not be fetched, or isn't what was asked for. */
export class FetchError extends NextStepError<FetchErrorCode> {}

/**
 * SOURCE_UNREACHABLE: nobody answers, or not to the end. SOURCE_GONE: its server doesn't have it. SOURCE_DENIED: its server wants
 * to know who asks. SOURCE_DIFFERS: other bytes than expected. SOURCE_BAD: an answer that isn't in the form that its protocol says.
 */
export type FetchErrorCode = "SOURCE_UNREACHABLE" | "SOURCE_GONE" | "SOURCE_DENIED" | "SOURCE_DIFFERS" | "SOURCE_BAD";
