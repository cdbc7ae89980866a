import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseAttest } from "../proto/tpm/attest.ts";
import { publicKeyObject } from "../proto/tpm/public.ts";
import { toHex } from "../proto/wire/hex.ts";
import type { VerdictCase } from "./verdict-case.ts";

const RUNS = 9;

/** Milliseconds of one tpm2_checkquote over the same quote, its process included, without a log; null where the tool isn't installed. */
export function measureCheckquote({ evidence, ak }: VerdictCase): number | null {
  const dir = mkdtempSync(join(tmpdir(), "kubedos-bench-"));
  try {
    const file = (name: string, data: Uint8Array | string): string => {
      const path = join(dir, name);
      writeFileSync(path, data);
      return path;
    };
    const key = file("ak.pem", publicKeyObject(ak).export({ type: "spki", format: "pem" }).toString());
    const argv = ["-u", key, "-m", file("quote", evidence.quote), "-s", file("signature", evidence.signature), "-q", toHex(parseAttest(evidence.quote).extraData)];
    const samples = Array.from({ length: RUNS }, () => {
      const start = performance.now();
      execFileSync("tpm2_checkquote", argv, { stdio: "ignore" });
      return performance.now() - start;
    });
    return samples.sort((a, b) => a - b)[RUNS >> 1] ?? null;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
