/** Where text goes. */
export interface Sink {
  write(text: string): void;
  /** Width of the terminal behind it; null where there is none. */
  readonly columns: number | null;
}

/** A file as the command line needs it. */
export interface FileContent {
  readonly data: Uint8Array;
  /** Permission bits. */
  readonly mode: number;
}

/** The world as the commands see it; `hub/main.ts` has the real one, tests bring their own. */
export interface CliPorts {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Data alone. */
  readonly stdout: Sink;
  /** Prose, questions, errors. */
  readonly stderr: Sink;
  /** Asks a person and waits for one line; null as answer when the terminal is closed. Undefined where nobody can be asked. */
  readonly ask: ((question: string) => Promise<string | null>) | undefined;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly sleep: (ms: number) => Promise<void>;
  /** The whole file, at most `max` bytes. Throws the system's error, or RangeError when it is larger. */
  readonly readFile: (path: string, max: number) => Promise<FileContent>;
  /** Aborted by Ctrl-C. */
  readonly interrupted: AbortSignal;
}
