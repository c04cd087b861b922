import { FAIL, handler, OK } from '@lambda-mesh/handler';

interface User {
  readonly name: string;
}

export default handler('users/greet', { version: '1.0.0' }, async (event, context) => {
  const { id } = event.query;
  if (!id) return context(FAIL, { error: 'Missing ?id=' });
  // Asks the other handler through the mesh; its FAIL, or no answer in time, is thrown here.
  const user = await context.call<User | null>('users/find', { id });
  if (!user) return context(FAIL, { error: 'Nobody has that id' }, { status: 404 });
  return context(OK, { greeting: `Hello, ${user.name}!` });
});
