import { openSync } from "node:fs";
import { ReadStream, WriteStream } from "node:tty";
import { BuildError } from "../error.ts";

/** Reads one line from the controlling terminal without showing it. Throws BuildError `USAGE` where there is no terminal. */
export async function askSecret(prompt: string): Promise<string> {
  let fd: number;
  try {
    fd = openSync("/dev/tty", "r+");
  } catch (cause) {
    throw new BuildError("USAGE", "there is no terminal to ask for the passphrase", "add --passphrase-fd N or --passphrase-file FILE", { cause });
  }
  const input = new ReadStream(fd);
  const output = new WriteStream(openSync("/dev/tty", "w"));
  try {
    output.write(prompt);
    input.setRawMode(true);
    return await readLine(input);
  } finally {
    input.setRawMode(false);
    output.write("\n");
    input.destroy();
    output.destroy();
  }
}

function readLine(input: ReadStream): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    input.setEncoding("utf8");
    input.on("error", reject);
    input.on("data", (chunk: string | Buffer) => {
      for (const c of String(chunk)) {
        if (c === "\r" || c === "\n") return resolve(text);
        // Raw mode leaves Ctrl-C and Ctrl-D to us.
        if (c === "\u0003" || c === "\u0004") return reject(new BuildError("USAGE", "no passphrase was given"));
        text = c === "\u007f" || c === "\b" ? text.slice(0, -1) : text + c;
      }
      return undefined;
    });
  });
}

