/** What `process.kill` calls; EPERM of errno(3), as libuv returns it. */
type Kill = (pid: number, signal: number) => number;
const EPERM = -1;

/**
 * Takes from a handler what reaches other processes of this user: signals, the debugger's port, and the replacement of
 * its own. A guard rail for what is written by mistake, since nothing of JavaScript is a boundary.
 * @param own whether the handler may send signals to the process that it runs in
 */
export function guardProcess(own: boolean): void {
  const process = globalThis.process as NodeJS.Process & { _kill: Kill };
  const { pid, _kill: kill } = process;
  process._kill = (to, signal) => (own && to === pid ? kill.call(process, to, signal) : EPERM);
  for (const name of ['_debugProcess', '_debugEnd', 'execve']) Reflect.deleteProperty(process, name);
}
