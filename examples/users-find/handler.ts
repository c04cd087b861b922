import { FAIL, handler, OK } from '@lambda-mesh/handler';
import { type Lookup, lookupInPostgres } from './lookup.js';

/** With its look-up as an argument, so that a test needs no database. */
export const usersFind = (lookup: Lookup) =>
  handler(
    'users/find',
    { version: '0.0.1', meta: { owner: 'crm' }, env: ['DATABASE_URL'] },
    async (event, context) => {
      const id = [event.query.id].flat()[0];
      if (!id) return context(FAIL, { error: 'Missing ?id=' });
      // What is no id of the table's type is nobody's id.
      return context(OK, /^[1-9]\d{0,8}$/.test(id) ? await lookup(Number(id)) : null);
    },
  );

export default usersFind(lookupInPostgres);
