import { toHex } from "../../proto/wire/hex.ts";
import { sha256 } from "../../proto/wire/bytes.ts";
import { PeError } from "../pe/error.ts";
import { parsePe } from "../pe/parse.ts";

/** Where something made anew differs from what was signed: ": section .initrd has …" or ": images.0.rootHash is …"; empty where nothing like it was signed. */
export function firstDifference(what: string, made: Uint8Array, signed: readonly Uint8Array[]): string {
  const compare = what === "uki" ? compareUkis : compareDocuments;
  // The one that it is most like: of a role's UKIs that with the most equal sections.
  const differences = signed.map((old) => compare(old, made)).sort((a, b) => a.length - b.length);
  const [first] = differences[0] ?? [];
  return first === undefined ? "" : `: ${first}`;
}

function compareUkis(signed: Uint8Array, made: Uint8Array): readonly string[] {
  try {
    const [old, now] = [parsePe(signed).sections, parsePe(made).sections];
    const names = [...new Set([...old, ...now].map((s) => s.name))];
    const digest = (list: typeof old, name: string): string => {
      const section = list.find((s) => s.name === name);
      return section === undefined ? "not there" : toHex(sha256(section.data));
    };
    return names.filter((name) => digest(old, name) !== digest(now, name)).map((name) => `section ${name} was ${digest(old, name)} and is ${digest(now, name)}`);
  } catch (cause) {
    if (cause instanceof PeError) return [];
    throw cause;
  }
}

function compareDocuments(signed: Uint8Array, made: Uint8Array): readonly string[] {
  try {
    const text = new TextDecoder();
    return differences("", JSON.parse(text.decode(signed)), JSON.parse(text.decode(made)));
  } catch {
    return [];
  }
}

function differences(path: string, old: unknown, now: unknown): readonly string[] {
  if (isObject(old) && isObject(now)) {
    const keys = [...new Set([...Object.keys(old), ...Object.keys(now)])].sort();
    return keys.flatMap((key) => differences(path === "" ? key : `${path}.${key}`, old[key], now[key]));
  }
  return JSON.stringify(old) === JSON.stringify(now) ? [] : [`${path} was ${show(old)} and is ${show(now)}`];
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

function show(value: unknown): string {
  return value === undefined ? "not there" : JSON.stringify(value).slice(0, 200);
}
