/** The numbers to reach (DESIGN §6), each with what it is held against. A benchmark prints its figure beside its goal. */
export const GOALS = {
  verdict: {
    /** One full verification of logs never seen, one core. */
    coldMs: 0.5,
    /** Logs seen before: times the bare signature check and SHA-256 of the logs. */
    seenTimes: 3,
    /** Keylime's check of a quote alone, without a log (ACSAC 2016, tables 2 and 3). */
    keylimeMs: 4.64,
  },
  agent: {
    /** Process start → admission quote sent, on swtpm. */
    quoteMs: 100,
  },
} as const;
