import type { ExpectedEvent } from "../../proto/release/release.ts";
import type { AttestCode } from "./codes.ts";
import type { EvidenceField } from "./finding.ts";
import type { MeasuredEvent } from "./measured-boot.ts";

interface Common {
  readonly code: AttestCode;
  /** What the difference is about, where its place alone doesn't say it. */
  readonly area?: string;
}

/** What is expected of an event or a PCR: an event of the release, or in words what should be there instead ("nothing more"). */
export type Expected = (Pick<ExpectedEvent, "digest" | "what"> & Partial<Pick<ExpectedEvent, "type">>) | string;

/** One event of a PCR that is there and shouldn't be, is missing, or is another. `index`: its number within its PCR, from 0. */
export interface EventDifference extends Common {
  readonly at: "event";
  readonly pcr: number;
  readonly index: number;
  /** Type of the event, where neither what is found nor what is expected says it. */
  readonly type?: string;
  readonly expected: Expected;
  readonly found: MeasuredEvent | string;
}

/** A PCR's whole value, where no single event can be named. */
export interface PcrDifference extends Common {
  readonly at: "pcr";
  readonly pcr: number;
  readonly expected: Expected;
  readonly found: Uint8Array | string;
}

/** Something that no PCR holds, in the terms of its field. */
export interface FieldDifference extends Common {
  readonly at: "field";
  readonly field: EvidenceField;
  readonly area: string;
  readonly expected: string;
  readonly found: string;
}

/**
 * One thing in which evidence differs from what it must be, as values: made on the way to a verdict, put into words (finding.ts) only when
 * the verdict is no.
 */
export type Difference = EventDifference | PcrDifference | FieldDifference;

/** At least one: a refusal without any would explain nothing. */
export type Differences = readonly [Difference, ...Difference[]];

/** Where nothing else belongs, and where nothing else is. */
export const NOTHING_MORE = "nothing more";
