const BATCH_MS = 20;

/**
 * Milliseconds of one call on one core: the processor's time of this process, collector included, median over batches, so that what else runs
 * on the machine counts little. The first half of the time only warms up: a hub runs for months, its first second is no figure.
 */
export function measure(work: () => unknown, totalMs = 2000): number {
  const start = spentMs();
  let calls = 1;
  while (spentMs() - start < totalMs / 2) calls = Math.max(1, Math.round((calls * BATCH_MS) / Math.max(0.01, batch(work, calls) * calls)));
  const samples: number[] = [];
  while (spentMs() - start < totalMs) samples.push(batch(work, calls));
  samples.sort((a, b) => a - b);
  return samples[Math.floor(samples.length / 2)] ?? Number.NaN;
}

function batch(work: () => unknown, calls: number): number {
  const start = spentMs();
  for (let i = 0; i < calls; i++) work();
  return (spentMs() - start) / calls;
}

function spentMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
