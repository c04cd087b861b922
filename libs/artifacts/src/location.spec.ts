import { describe, expect, it } from '@jest/globals';
import { readConfig } from '#contracts';
import { type Location, locationText, parseLocation } from './location.js';
import { artifactSettings } from './settings.js';

const ALL = ['file', 's3', 'nats'] as const;
const read = (text: string) => parseLocation(text, ALL);

describe('a location', () => {
  it.each<[string, Location, string?]>([
    ['file:///var/lib/mesh', { kind: 'file', folder: '/var/lib/mesh' }],
    ['file:///a%20b/%23c', { kind: 'file', folder: '/a b/#c' }],
    ['s3://bucket', { kind: 's3', bucket: 'bucket', prefix: '' }],
    ['s3://bucket/', { kind: 's3', bucket: 'bucket', prefix: '' }, 's3://bucket'],
    ['s3://my.bucket-1/a/b', { kind: 's3', bucket: 'my.bucket-1', prefix: 'a/b' }],
    ['s3://bucket//a/b//', { kind: 's3', bucket: 'bucket', prefix: 'a/b' }, 's3://bucket/a/b'],
    // What S3 takes in a key means nothing else here.
    ['s3://bucket/a?b#c%20', { kind: 's3', bucket: 'bucket', prefix: 'a?b#c%20' }],
    ['nats://mesh_artifacts', { kind: 'nats', bucket: 'mesh_artifacts' }],
  ])('%s is read, and written as it was', (text, location, written = text) => {
    expect(read(text)).toEqual({ location });
    expect(locationText(location)).toBe(written);
  });

  it.each([
    ['file://host/dir', 'three slashes'],
    ['file:///a?b', '%3F'],
    ['file:///a%2Fb', 'not the URL of a file'],
    ['s3://', 'bucket'],
    ['s3:///a', 'bucket'],
    ['s3://user:secret@bucket', 'bucket'],
    ['s3://../bucket', 'bucket'],
    ['nats://127.0.0.1:4222', 'letters'],
    ['nats://a/b', 'letters'],
    ['nats://', 'letters'],
    ['https://bucket.s3.amazonaws.com', 'not one of'],
    ['/var/lib/mesh', 'not one of'],
    ['', 'not one of'],
  ])('%s is refused, saying why', (text, reason) => {
    expect(read(text)).toEqual({ fault: expect.stringContaining(reason) });
  });

  it('is only of a kind that is wanted', () => {
    expect(parseLocation('nats://a', ['file', 's3'])).toEqual({
      fault: 'not one of file:///var/lib/mesh/artifacts s3://bucket/prefix',
    });
  });

  it('that is wrong in the configuration is named with its remedy', () => {
    const wrong = { MESH_ARTIFACTS_URL: 's3://a_b@c' };
    expect(() => readConfig('test', artifactSettings, wrong)).toThrow(
      /MESH_ARTIFACTS_URL: "s3:\/\/a_b@c" is not usable: holds no bucket name\. Remedy: file:\/\/\//,
    );
  });
});
