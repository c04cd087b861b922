import { readFileSync } from 'node:fs';
import { cpus, loadavg, totalmem } from 'node:os';

const GOVERNOR = '/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor';

/** What figures from this machine depend on. */
export function machineFacts() {
  const all = cpus();
  return {
    cores: all.length,
    model: all[0]?.model.trim() ?? 'unknown',
    governor: readGovernor(),
    memoryMb: Math.round(totalmem() / 1024 / 1024),
    node: process.version,
    loadBefore: loadavg()[0],
  };
}

function readGovernor() {
  try {
    return readFileSync(GOVERNOR, 'utf8').trim();
  } catch {
    return 'not readable';
  }
}
