import { describe, expect, it } from '@jest/globals';
import { readConfig } from '#contracts';
import { refuseUnguarded, registrySettings } from './config.js';

const needed = { MESH_DATABASE_URL: 'postgresql://u:p@h/d', MESH_ARTIFACTS_URL: 'file:///var/lib/artifacts' };
const read = (environment: Record<string, string> = {}) =>
  readConfig('registry', registrySettings, { ...needed, ...environment });

describe('configuration', () => {
  it('has defaults for all that can have one', () => {
    expect(read()).toMatchObject({
      host: '127.0.0.1',
      port: 8081,
      handlerEnvironment: [],
      maxArtifactBytes: 67_108_864,
    });
    expect(read().artifactsUrl).toEqual({ kind: 'file', folder: '/var/lib/artifacts' });
    expect(read({ MESH_HANDLER_ENV: 'A, B_C' }).handlerEnvironment).toEqual(['A', 'B_C']);
  });

  it.each([
    ['MESH_DATABASE_URL', 'mysql://h/secret-db'],
    ['MESH_ARTIFACTS_URL', 'https://bucket'],
    ['MESH_ARTIFACTS_URL', 'file://host/dir'],
    ['MESH_HANDLER_ENV', 'DATABASE_URL,MESH_ADMIN_TOKEN'],
    ['MESH_ADMIN_TOKEN', 'two secret-words'],
    ['MESH_MAX_ARTIFACT_BYTES', '-1'],
  ])('refuses %s=%s, naming it', (variable, value) => {
    expect(() => read({ [variable]: value })).toThrow(variable);
    const message = String(catching(() => read({ [variable]: value })));
    expect(message).toContain('Remedy');
    expect(message).not.toContain('secret');
  });

  it('names everything that is missing at once', () => {
    const message = String(catching(() => readConfig('registry', registrySettings, {})));
    expect(message).toContain('MESH_DATABASE_URL');
    expect(message).toContain('MESH_ARTIFACTS_URL');
  });

  it.each(['0.0.0.0', '::', '10.0.0.1', 'example.org'])('listens on %s only with a token', (host) => {
    expect(() => refuseUnguarded(read({ MESH_REGISTRY_HOST: host }))).toThrow('MESH_ADMIN_TOKEN');
    expect(() => refuseUnguarded(read({ MESH_REGISTRY_HOST: host, MESH_ADMIN_TOKEN: 't' }))).not.toThrow();
  });

  it.each(['127.0.0.1', 'localhost', '::1'])('listens on %s without one', (host) => {
    expect(() => refuseUnguarded(read({ MESH_REGISTRY_HOST: host }))).not.toThrow();
  });
});

function catching(act: () => unknown): unknown {
  try {
    return act();
  } catch (error) {
    return error;
  }
}
