import { closeSync, fsyncSync, openSync, renameSync, writeSync } from "node:fs";
import { dirname } from "node:path";

/** Replaces a file: readers, and whoever comes after a power cut, see the old one or the whole new one. On stable storage when it returns. */
export function writeDurably(path: string, data: Uint8Array, mode: number): void {
  const temporary = `${path}.tmp`;
  const file = openSync(temporary, "w", mode);
  try {
    for (let at = 0; at < data.length; ) at += writeSync(file, data, at);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(temporary, path);
  const folder = openSync(dirname(path), "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
