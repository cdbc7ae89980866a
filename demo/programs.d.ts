/** How a program of ours ended. */
export interface Ended {
    readonly code: number;
    readonly stdout: string;
    readonly stderr: string;
}
/** Runs one of the three programs as a user would, by its own executable; never throws for its exit code. */
export declare function runProgram(program: "kubedos-build" | "kubedos-hub", argv: readonly string[], signal: AbortSignal): Promise<Ended>;
/** Like {@link runProgram}, and passes the program's own progress through to people. */
export declare function runLoudly(program: "kubedos-build" | "kubedos-hub", argv: readonly string[], signal: AbortSignal): Promise<Ended>;
/**
 * Runs a program in a terminal of its own (util-linux `script`), waits for `prompt` on its screen and types what `answer`
 * makes of the screen. The prompt refuses to work without a terminal, so this is the real one.
 */
export declare function runInTerminal(argv: readonly string[], prompt: RegExp, answer: (screen: string) => string, signal: AbortSignal): Promise<Ended>;
