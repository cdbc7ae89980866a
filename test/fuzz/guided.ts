import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createHash, randomInt } from "node:crypto";
import { Session } from "node:inspector";
import { join } from "node:path";

/** `long`: minutes instead of moments, and inputs that reached something new are kept beside this file. */
export const isLong = process.env["KUBEDOS_FUZZ"] === "long";
const CORPUS = new URL("corpus/", import.meta.url).pathname;
const MAX_INPUT = 64 * 1024;
/** Inputs between two looks at the coverage: a look takes as long as many inputs. */
const MAX_BATCH = 512;

/** What one run found. */
export interface FuzzReport {
  readonly inputs: number;
  /** Inputs that reached code which none before had reached. */
  readonly found: number;
  readonly slowestMs: number;
}

/**
 * Fuzzes `run` guided by V8's block coverage of our sources: an input that reaches a new block, or one much more often, joins the corpus
 * from which the next ones are mutated. `run` returns or throws what its caller expects; anything else ends the run with that input.
 */
export async function fuzzGuided(name: string, seeds: readonly Uint8Array[], run: (input: Uint8Array) => void): Promise<FuzzReport> {
  const coverage = startCoverage();
  const corpus = [...seeds, ...kept(name)];
  let inputs = 0;
  let found = 0;
  let slowestMs = 0;
  const timed = (input: Uint8Array): void => {
    const start = performance.now();
    run(input);
    slowestMs = Math.max(slowestMs, performance.now() - start);
    inputs++;
  };
  try {
    for (const input of corpus) timed(input);
    coverage.isNew();
    const until = performance.now() + (isLong ? 120_000 : 500);
    for (let batch = 1; performance.now() < until; batch = Math.min(MAX_BATCH, batch * 2)) {
      const tried = Array.from({ length: batch }, () => mutate(corpus));
      for (const input of tried) timed(input);
      if (!coverage.isNew()) continue;
      // Something in this batch is new: once more, one by one, to know which.
      coverage.forgetLast();
      for (const input of tried) {
        timed(input);
        if (!coverage.isNew()) continue;
        corpus.push(input);
        found++;
        if (isLong) keep(name, input);
      }
      batch = 1;
    }
  } finally {
    coverage.stop();
  }
  return { inputs, found, slowestMs };
}

interface Coverage {
  /** Whether anything was reached since the last look that never was before. */
  isNew(): boolean;
  /** Takes back what the last look added. */
  forgetLast(): void;
  stop(): void;
}

function startCoverage(): Coverage {
  const session = new Session();
  session.connect();
  session.post("Profiler.enable");
  session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
  const seen = new Set<string>();
  let last: string[] = [];
  return {
    isNew() {
      last = reached(session).filter((block) => !seen.has(block));
      for (const block of last) seen.add(block);
      return last.length > 0;
    },
    forgetLast: () => last.forEach((block) => seen.delete(block)),
    stop() {
      session.post("Profiler.stopPreciseCoverage");
      session.disconnect();
    },
  };
}

/** Blocks of our own sources that ran since the last call, each with the order of magnitude of how often. */
function reached(session: Session): string[] {
  const blocks: string[] = [];
  session.post("Profiler.takePreciseCoverage", (error, { result } = { result: [] }) => {
    if (error !== null) throw error;
    for (const { url, functions } of result) {
      if (!/\/(proto|hub)\/.*\.ts$/.test(url)) continue;
      for (const { ranges } of functions) {
        for (const { startOffset, endOffset, count } of ranges) {
          if (count > 0) blocks.push(`${url} ${startOffset} ${endOffset} ${Math.min(4, Math.floor(Math.log10(count)))}`);
        }
      }
    }
  });
  return blocks;
}

const EDGES: readonly number[] = [0, 1, 2, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff];

/** One to four small changes to one of the corpus, or two of them joined. */
function mutate(corpus: readonly Uint8Array[]): Uint8Array {
  let data: Uint8Array = Uint8Array.from(pick(corpus));
  for (let n = randomInt(1, 5); n > 0; n--) data = MUTATIONS[randomInt(MUTATIONS.length)]?.(data, corpus) ?? data;
  return data.subarray(0, MAX_INPUT);
}

const pick = <T>(list: readonly T[]): T => list[randomInt(list.length)] as T;
const placeIn = (data: Uint8Array): number => randomInt(Math.max(1, data.length));

const MUTATIONS: readonly ((data: Uint8Array, corpus: readonly Uint8Array[]) => Uint8Array)[] = [
  (data) => change(data, 1, (view, at) => view.setUint8(at, view.getUint8(at) ^ (1 << randomInt(8)))),
  (data) => change(data, 1, (view, at) => view.setUint8(at, randomInt(256))),
  (data) => change(data, 2, (view, at) => view.setUint16(at, pick(EDGES) & 0xffff, randomInt(2) === 0)),
  (data) => change(data, 4, (view, at) => view.setUint32(at, pick(EDGES), randomInt(2) === 0)),
  (data) => change(data, 4, (view, at) => view.setUint32(at, (view.getUint32(at, true) + randomInt(1, 9) - 4) >>> 0, true)),
  (data) => data.slice(0, placeIn(data)),
  (data) => without(data, placeIn(data), randomInt(1, 33)),
  (data) => insert(data, placeIn(data), crypto.getRandomValues(new Uint8Array(randomInt(1, 17)))),
  (data) => insert(data, placeIn(data), data.slice(placeIn(data)).slice(0, 256)),
  (data, corpus) => {
    const other = pick(corpus);
    return insert(data.slice(0, placeIn(data)), placeIn(data), other.slice(placeIn(other)));
  },
];

function change(data: Uint8Array, size: number, write: (view: DataView, at: number) => void): Uint8Array {
  if (data.length >= size) write(new DataView(data.buffer, data.byteOffset, data.byteLength), randomInt(data.length - size + 1));
  return data;
}

function without(data: Uint8Array, at: number, n: number): Uint8Array {
  return new Uint8Array(Buffer.concat([data.subarray(0, at), data.subarray(at + n)]));
}

function insert(data: Uint8Array, at: number, more: Uint8Array): Uint8Array {
  return new Uint8Array(Buffer.concat([data.subarray(0, at), more, data.subarray(at)]));
}

function kept(name: string): readonly Uint8Array[] {
  try {
    return readdirSync(join(CORPUS, name)).sort().map((file) => new Uint8Array(readFileSync(join(CORPUS, name, file))));
  } catch {
    return [];
  }
}

function keep(name: string, input: Uint8Array): void {
  mkdirSync(join(CORPUS, name), { recursive: true });
  writeFileSync(join(CORPUS, name, createHash("sha256").update(input).digest("hex").slice(0, 16)), input);
}
