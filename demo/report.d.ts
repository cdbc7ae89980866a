/** What `--json` prints, last on stdout; its shape is fixed. */
export interface DemoResult {
    ok: boolean;
    seconds: Record<string, number>;
    nodes: {
        name: string;
        role: string;
        state: string;
        planes: Record<string, boolean>;
    }[];
    rejected: {
        reason: string;
        pcr: number;
        expected: string;
        found: string;
    }[];
    unanchored: {
        id: string;
    }[];
    /** What was proved, line by line; all of them hold where `ok`. */
    proofs: {
        what: string;
        held: boolean;
        detail: string;
    }[];
}
/** Progress for people on stderr, one line a step with the time since the start; results on stdout. */
export declare class Reporter {
    #private;
    readonly result: DemoResult;
    /** A line of progress. */
    say(text: string): void;
    /** Something that had to be so: kept for the table, and an error where it is not. */
    prove(what: string, held: boolean, detail?: string): void;
    /** Runs one phase, says when it takes long, and keeps its seconds. */
    phase<T>(name: string, title: string, run: () => Promise<T>): Promise<T>;
    /** Seconds since the start, to a tenth. */
    elapsed(): number;
}
/** The last table: what held, and how long each phase took. */
export declare function renderResult(result: DemoResult): string;
