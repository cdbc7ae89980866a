import { open } from "node:fs/promises";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import type { CliPorts, FileContent, Sink } from "./ports.ts";

/** The real world of a command line. */
export function terminalPorts(interrupted: AbortSignal): CliPorts {
  return {
    env: process.env,
    stdout: sink(process.stdout),
    stderr: sink(process.stderr),
    ask: process.stdin.isTTY ? askTerminal : undefined,
    now: () => Date.now(),
    sleep: async (ms) => {
      await delay(ms, undefined, { signal: interrupted }).catch(() => undefined);
    },
    readFile: readBounded,
    interrupted,
  };
}

function sink(stream: NodeJS.WriteStream): Sink {
  return {
    write: (text) => {
      stream.write(text);
    },
    get columns() {
      return stream.isTTY && stream.columns > 0 ? stream.columns : null;
    },
  };
}

/** The terminal stays in its line mode: it echoes, edits, and turns Ctrl-C into a signal. */
async function askTerminal(question: string): Promise<string | null> {
  process.stderr.write(question);
  const lines = createInterface({ input: process.stdin, terminal: false });
  const answer = await new Promise<string | null>((resolve) => {
    lines.once("line", (line) => {
      resolve(line);
      lines.close();
    });
    lines.once("close", () => resolve(null));
  });
  process.stdin.pause();
  return answer;
}

async function readBounded(path: string, max: number): Promise<FileContent> {
  await using file = await open(path, "r");
  const { mode, size } = await file.stat();
  if (size > max) throw new RangeError(`has ${size} bytes, at most ${max} are read`);
  // Files under /sys report no size, and a file may grow: what counts is what comes.
  const buffer = new Uint8Array(max + 1);
  let length = 0;
  for (;;) {
    const { bytesRead } = await file.read(buffer, length, buffer.length - length);
    if (bytesRead === 0) break;
    length += bytesRead;
    if (length > max) throw new RangeError(`has more than ${max} bytes`);
  }
  return { data: buffer.slice(0, length), mode: mode & 0o777 };
}
