import { describe, expect, it } from '@jest/globals';
import { signatureOf } from './signature.js';

describe('a signature', () => {
  it('is of time and body', () => {
    // printf '1700000000.{"a":1}' | openssl dgst -sha256 -hmac secret
    expect(signatureOf('secret', 1_700_000_000, Buffer.from('{"a":1}'))).toBe(
      't=1700000000,v1=49f24e537407743fa4a0242bb63b94b9a47ee99cbbe071ccd8a22550ae411686',
    );
    expect(signatureOf('secret', 1_700_000_001, Buffer.from('{"a":1}'))).not.toContain(
      '49f24e537407743fa4a0242bb63b94b9a47ee99cbbe071ccd8a22550ae411686',
    );
  });
});
