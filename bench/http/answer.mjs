/** What every contender does with a request: the same small answer to `?id=42`. */
export const answerTo = (id) => ({ id, name: 'Ada Lovelace', email: 'ada@example.org', active: true });
export const QUERY = 'id=42';
