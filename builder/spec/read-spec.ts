import { open } from "node:fs/promises";
import { MAX_SPEC_CHARS } from "../../proto/spec/document.ts";
import { readClusterSpec, type SpecReading } from "../../proto/spec/parse.ts";
import { specError } from "../../proto/spec/read-object.ts";
import { readRoles } from "../roles/read-roles.ts";
import { type RoleFacts, roleProblems } from "./role-problems.ts";

/** Reads a spec file and checks it, also against the roles that it may name. Throws SpecError, or the file system's error. */
export async function readSpecFile(file: string): Promise<SpecReading> {
  return checkSpec(await readText(file), file, await readRoles(file));
}

/** A text that is, or is to become, `file`. Throws SpecError. */
export function checkSpec(text: string, file: string, known: readonly RoleFacts[]): SpecReading {
  const reading = readClusterSpec(text, file);
  const error = specError(file, reading.locate, roleProblems(reading.spec, known));
  if (error !== undefined) throw error;
  return reading;
}

/** No more than the parser takes and a byte, whatever the path leads to. */
async function readText(file: string): Promise<string> {
  const handle = await open(file, "r");
  try {
    const chunks: Buffer[] = [];
    let length = 0;
    for await (const chunk of handle.createReadStream({ end: MAX_SPEC_CHARS, autoClose: false }) as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      length += chunk.length;
    }
    return Buffer.concat(chunks, length).toString("utf8");
  } finally {
    await handle.close();
  }
}
