/**
 * `@lambda-mesh/handler/testing`: calls handlers in a test, without any server, through the very code that an
 * executor runs them with: the same events, the same outcomes, the same bytes.
 *
 *   const answer = await call(find, { query: { id: '42' } })
 *
 *   const mesh = testMesh(greet)                       // handlers that call each other
 *   mesh.use('users/find', () => ({ name: 'Ada' }))    // swapped for this test
 *   await mesh.call('users/greet', { query: { id: '42' } })
 */
import { type HandlerDefinition, isDefinition } from './definition.js';
import { type Entry, entryOf, Mesh } from './test-mesh.js';
import type { HandlerLike, TestAnswer, TestEvent, TestMesh, TestOptions } from './test-types.js';

export type { HandlerLike, LogEntry, TestAnswer, TestEvent, TestMesh, TestOptions } from './test-types.js';

/** Calls one handler; `context.call` reaches nothing from it (see {@link testMesh}). */
export async function call<Body = unknown>(
  handler: HandlerLike,
  event: TestEvent = {},
  options: TestOptions = {},
): Promise<TestAnswer<Body>> {
  const entry = entryOf(handler);
  const path = entry.resolved.path ?? 'test/handler';
  return new Mesh(new Map([[path, entry]])).call(path, event, options);
}

/** @param handlers definitions, or an object from path to handler */
export function testMesh(...handlers: (HandlerDefinition | Record<string, HandlerLike>)[]): TestMesh {
  const first = new Map<string, Entry>();
  for (const some of handlers)
    for (const [path, handler] of isDefinition(some) ? [[some.path, some] as const] : Object.entries(some))
      first.set(path, entryOf(handler, path));
  return new Mesh(first);
}
