/**
 * Takes from a handler what reaches other processes of this user: signals, and the debugger's port. A guard rail for
 * what is written by mistake, since nothing of JavaScript is a boundary.
 * @param own whether the handler may send signals to the process that it runs in
 */
export function guardProcess(own: boolean): void {
  const { kill, pid } = process;
  process.kill = (to, signal) => {
    if (!own || to !== pid) throw new Error('Handlers send no signals to other processes.');
    return kill.call(process, to, signal);
  };
  for (const name of ['_kill', '_debugProcess', '_debugEnd', 'execve']) Reflect.deleteProperty(process, name);
}
