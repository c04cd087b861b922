import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from '@jest/globals';
import { ConfigError, readConfig } from '#contracts';
import { settings } from '../config.js';
import { lambdaAccess } from './lambda-access.js';

const configOf = (environment: Record<string, string>) => readConfig('ingress-http', settings, environment);
const asked = (headers: Record<string, string> = {}) =>
  ({
    method: 'POST',
    url: '/2015-03-31/functions/f/invocations',
    headers: { ...headers },
  }) as unknown as IncomingMessage;

async function verdict(
  environment: Record<string, string>,
  headers?: Record<string, string>,
): Promise<string> {
  try {
    await lambdaAccess(configOf(environment))(asked(headers))(new Uint8Array());
    return 'fine';
  } catch (error) {
    return (error as { type?: string }).type ?? (error as { code: string }).code;
  }
}

const SIGNED = { authorization: 'AWS4-HMAC-SHA256 Credential=any, SignedHeaders=any, Signature=any' };
const BEARER = { authorization: 'Bearer token' };
const TOKEN = { MESH_HTTP_TOKEN: 'token' };
const ELSEWHERE = { MESH_HTTP_HOST: '0.0.0.0', MESH_HTTP_OPEN: 'yes' };
const KEYS = { MESH_LAMBDA_CREDENTIALS: 'AKIAMESH:secret' };

describe("Lambda's API", () => {
  it.each<[string, Record<string, string>, Record<string, string> | undefined, string]>([
    ['is open on loopback', {}, undefined, 'fine'],
    ['does not look at signatures there', {}, SIGNED, 'fine'],
    ['is closed elsewhere', ELSEWHERE, SIGNED, 'AccessDeniedException'],
    ['asks for the token where there is one', TOKEN, SIGNED, 'unauthorized'],
    ['takes the token', TOKEN, BEARER, 'fine'],
    ['takes the token elsewhere', { ...ELSEWHERE, ...TOKEN }, BEARER, 'fine'],
    ['asks for a signature where there are keys', KEYS, undefined, 'MissingAuthenticationTokenException'],
    ['takes no token then', { ...KEYS, ...TOKEN }, BEARER, 'IncompleteSignatureException'],
    ['takes no bad signature then', { ...ELSEWHERE, ...KEYS }, SIGNED, 'IncompleteSignatureException'],
  ])('%s', async (_, environment, headers, said) => {
    expect(await verdict(environment, headers)).toBe(said);
  });
});

describe('credentials', () => {
  it('are pairs, whose secrets may have any sign but a comma', () => {
    const { lambdaCredentials } = configOf({ MESH_LAMBDA_CREDENTIALS: 'A:b, AKIAMESH:wJalr/x+y=:z' });
    expect(lambdaCredentials).toEqual(
      new Map([
        ['A', 'b'],
        ['AKIAMESH', 'wJalr/x+y=:z'],
      ]),
    );
    expect(configOf({ MESH_LAMBDA_CREDENTIALS: '' }).lambdaCredentials).toBeUndefined();
  });

  it.each(['hush', 'hush:', ':hush', ',', 'A B:hush', 'A:hush hush'])(
    '%j is a fault that shows none',
    (text) => {
      const read = () => configOf({ MESH_LAMBDA_CREDENTIALS: text });
      expect(read).toThrow(ConfigError);
      expect(read).not.toThrow('hush');
    },
  );
});
