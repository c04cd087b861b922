/** One line for each step that a person waits for, with its seconds. */
export async function step<T>(name: string, work: () => Promise<T>, tell: (result: T) => string): Promise<T> {
  const started = performance.now();
  const result = await work();
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  process.stdout.write(`  ✓ ${name.padEnd(16)} ${seconds.padStart(5)} s  ${tell(result)}\n`);
  return result;
}

export function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
