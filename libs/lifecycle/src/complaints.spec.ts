import { describe, expect, it } from '@jest/globals';
import { Complaints } from './complaints.js';

describe('complaints', () => {
  it('of one kind come once in ten seconds, with how many went unsaid', () => {
    let now = 0;
    const said: unknown[] = [];
    const complaints = new Complaints({ warn: (_, fields) => void said.push(fields) }, () => now);
    for (const id of [1, 2, 3]) complaints.warn('no-route', 'x', { id });
    complaints.warn('failed', 'x', { id: 4 });
    now = 10_000;
    complaints.warn('no-route', 'x', { id: 5 });
    now = 20_000;
    complaints.warn('no-route', 'x', { id: 6 });
    expect(said).toEqual([{ id: 1 }, { id: 4 }, { id: 5, alsoSince: 2 }, { id: 6 }]);
  });
});
