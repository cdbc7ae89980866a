import type { GenerationFloor } from "../../hub/ports.ts";

/** A floor as a TPM keeps it, without one; `kept` shows and changes what is in it, null is a TPM that doesn't answer. */
export interface MemoryFloor extends GenerationFloor {
  kept: number | null;
}

/** An empty one. */
export function memoryFloor(kept: number | null = 0): MemoryFloor {
  const floor: MemoryFloor = {
    kept,
    read: async () => {
      if (floor.kept === null) throw new Error("the TPM doesn't answer");
      return floor.kept;
    },
    raise: async (cluster, generation) => {
      if (generation < (await floor.read(cluster))) throw new RangeError("a floor doesn't fall");
      floor.kept = generation;
    },
  };
  return floor;
}
