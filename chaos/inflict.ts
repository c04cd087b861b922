import { setTimeout as delay } from 'node:timers/promises';
import type { Options } from './options.ts';
import { type PlannedFault, planFaults, type Targets } from './plan.ts';
import type { Unit } from './unit.ts';

/** Mosquitto writes its sessions down once a second: what it had acknowledged in between is lost with it, by design. */
const NEVER_KILLED = new Set(['mosquitto']);

export function targetsOf(units: readonly Unit[]): Targets {
  const names = units.map(({ name }) => name);
  return {
    kill: names.filter((name) => !NEVER_KILLED.has(name)),
    freeze: names,
    cut: units.filter(({ canBeCut }) => canBeCut).map(({ name }) => name),
  };
}

/**
 * Lets the faults of the plan happen at their moments. One that finds its target down, or frozen by another, waits for
 * it, so that every one of them happens. Resolves when all of them are over, or when the signal aborts.
 */
export async function inflict(
  options: Options,
  units: readonly Unit[],
  signal: AbortSignal,
  say: (line: string) => void,
): Promise<void> {
  const plan = planFaults(options, targetsOf(units));
  const begun = Date.now();
  const one = async (planned: PlannedFault) => {
    await delay(Math.max(0, begun + planned.at - Date.now()), undefined, { signal });
    const unit = units.find(({ name }) => name === planned.target) as Unit;
    say(`${planned.kind} ${planned.target}${planned.kind === 'kill' ? '' : ` for ${planned.lasts} ms`}`);
    await unit[planned.kind](planned.lasts);
  };
  const all = Promise.all([...plan.map(one), ...absences(options, units, say)]).catch((error) => {
    if (!signal.aborted) throw error;
  });
  const aborted = new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  await Promise.race([all, aborted]);
}

/** All executors at once. */
function absences(
  { absence }: Options,
  units: readonly Unit[],
  say: (line: string) => void,
): Promise<unknown>[] {
  if (absence === 0) return [];
  say(`no executor for ${absence} s`);
  return units.filter(({ name }) => name.startsWith('executor')).map((unit) => unit.kill(absence * 1_000));
}
