/** What a code says to people. */
export interface CodeText {
  /** What was found, one sentence. */
  readonly text: string;
  /** What usually causes it. */
  readonly cause: string;
  /** The next step, with the command for it; ID stands for the machine's. */
  readonly next: string;
}
