import { Gauge } from 'prom-client';
import type { createMetrics } from '#lifecycle';
import type { Executor } from './executor.module.js';

type Registry = ReturnType<typeof createMetrics>;
type Show = (name: string, help: string, collect: (gauge: Gauge) => void, labelNames?: string[]) => void;

/** What an executor shows at `/metrics`: read from the counters when asked, so that a call costs nothing more. */
export function showMetrics(executor: Executor, registry: Registry): void {
  const show: Show = (name, help, collect, labelNames = []) =>
    void new Gauge({
      name: `mesh_executor_${name}`,
      help,
      labelNames,
      registers: [registry],
      collect() {
        // A path that is gone, or waits no more, is not shown as it was.
        if (labelNames.length > 0) this.reset();
        collect(this);
      },
    });
  showCalls(executor, show);
  showLimits(executor, show);
  showWorkers(executor, show);
  showRecords(executor, show);
  showWork(executor, show);
}

function showCalls({ intake, invoke }: Executor, show: Show): void {
  show('in_flight', 'Calls that are being run.', (gauge) => gauge.set(intake.inFlight));
  show('streams', 'Answers that go on in pieces.', (gauge) => gauge.set(invoke.streams));
  show(
    'requests_total',
    'Runs of the handler of a path, for calls and for work.',
    (gauge) => {
      for (const [path, { requests }] of intake.counters) gauge.set({ path }, requests);
    },
    ['path'],
  );
  show(
    'errors_total',
    'Runs of the handler of a path that did not end OK.',
    (gauge) => {
      for (const [path, { errors }] of intake.counters) gauge.set({ path }, errors);
    },
    ['path'],
  );
}

function showLimits({ invoke }: Executor, show: Show): void {
  show(
    'waiting',
    'Runs of a path that wait for their turn; of those paths where any do.',
    (gauge) => {
      for (const [path, waiting] of invoke.waiting()) gauge.set({ path }, waiting);
    },
    ['path'],
  );
  show(
    'refused_total',
    'Calls of a path that were refused, by the limit that they were beyond.',
    (gauge) => {
      for (const [path, refusals] of invoke.admission.refusals)
        for (const [limit, count] of Object.entries(refusals)) gauge.set({ path, limit }, count);
    },
    ['path', 'limit'],
  );
}

function showWorkers({ instances }: Executor, show: Show): void {
  show(
    'workers',
    'Workers, by what they do; `ended`: told to end, and not gone yet.',
    (gauge) => {
      for (const [state, count] of Object.entries(instances.states)) gauge.set({ state }, count);
    },
    ['state'],
  );
  show('workers_queued', 'Workers that wait for others to have started.', (gauge) =>
    gauge.set(instances.queuedStarts),
  );
  show(
    'worker_starts_total',
    'Workers of a path that were started.',
    (gauge) => {
      for (const [path, { starts }] of instances.tallies) gauge.set({ path }, starts);
    },
    ['path'],
  );
  show(
    'worker_ends_total',
    'Workers of a path that ended, by why: `crashed`, `unready`, before they had loaded, `overrun`, since a run did not stop, or `released`, since nobody needed them.',
    (gauge) => {
      for (const [path, { ends }] of instances.tallies)
        for (const [why, count] of Object.entries(ends)) if (count > 0) gauge.set({ path, why }, count);
    },
    ['path', 'why'],
  );
}

function showRecords({ outbox }: Executor, show: Show): void {
  show('audit_waiting', 'Invocation records that wait for NATS.', (gauge) => gauge.set(outbox.waiting));
  show(
    'audit_dropped_total',
    'Invocation records that memory had no room for while NATS was away.',
    (gauge) => {
      for (const [outcome, count] of Object.entries(outbox.dropped)) gauge.set({ outcome }, count);
    },
    ['outcome'],
  );
}

function showWork({ work }: Executor, show: Show): void {
  show('work_in_hand', 'Events of work in hand: running, parked or being looked up.', (gauge) =>
    gauge.set(work.inHand),
  );
  show('work_running', 'Events of work that are being run.', (gauge) => gauge.set(work.running));
  show('work_parked', 'Events of work that wait here for their share of the slots.', (gauge) =>
    gauge.set(work.parked),
  );
  show('work_open', 'Whether the consumer of the pool is there.', (gauge) => gauge.set(work.isOpen ? 1 : 0));
  show(
    'work_total',
    'Events of work of a path that were retried after a failure, deferred for want of a slot or of rate, or became dead letters.',
    (gauge) => {
      for (const [path, counts] of work.counters.all)
        for (const [end, count] of Object.entries(counts)) gauge.set({ path, end }, count);
    },
    ['path', 'end'],
  );
}
