import type { Report } from "../toolchain/report.ts";

/** A program's way out: data on stdout, prose on stderr; and what ends it early. */
export interface CliIo {
  readonly out: (text: string) => void;
  readonly report: Report;
  readonly signal: AbortSignal;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly now: () => Date;
  /** Asks at the terminal without echo; rejects where there is none. */
  readonly askSecret: (prompt: string) => Promise<string>;
}
