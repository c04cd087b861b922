import { describe, expect, it } from '@jest/globals';
import { numberIn, readPage } from './paging.js';

const letters = [...'abcdefg'];
/** What a table does: the first `limit` rows after a key. */
const fetch = async (after: string | undefined, limit: number) =>
  letters.filter((letter) => after === undefined || letter > after).slice(0, limit);
const page = (query: unknown) =>
  readPage(
    query,
    fetch,
    (letter) => letter,
    (letter) => letter.toUpperCase(),
  );

describe('a page', () => {
  it('ends with null exactly when nothing follows', async () => {
    expect(await page({})).toEqual({ items: [...'ABCDEFG'], next: null });
    expect((await page({ limit: '7' })).next).toBeNull();
    expect((await page({ limit: '6' })).next).not.toBeNull();
  });

  it('leads to the next one until each row was seen once', async () => {
    const seen: string[] = [];
    for (let cursor: string | null | undefined; cursor !== null; ) {
      const { items, next } = await page({ limit: '2', ...(cursor && { cursor }) });
      seen.push(...items);
      cursor = next;
    }
    expect(seen).toEqual([...'ABCDEFG']);
  });

  it.each([
    { limit: '0' },
    { limit: '1001' },
    { limit: '1e3' },
    { limit: ['1', '2'] },
    { cursor: '' },
    { cursor: '=' },
    { cursor: 'AA' },
  ])('refuses %j', async (query) => {
    await expect(page(query)).rejects.toMatchObject({ code: 'bad-request' });
  });

  it('knows a number from a cursor of another list', () => {
    expect(numberIn('12')).toBe(12);
    expect(() => numberIn('users/find')).toThrow(expect.objectContaining({ code: 'bad-request' }));
  });
});
