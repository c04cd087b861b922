import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { ERRORS, type Setting } from '#contracts';
import { settings as cli } from '../apps/cli/src/config.js';
import { settings as embedded } from '../apps/embedded/src/config.js';
import { settings as executor } from '../apps/executor/src/config.js';
import { settings as ingressHttp } from '../apps/ingress-http/src/config.js';
import { settings as ingressMqtt } from '../apps/ingress-mqtt/src/config.js';
import { settings as ingressSqs } from '../apps/ingress-sqs/src/config.js';
import { registrySettings as registry } from '../apps/registry/src/config.js';
import { settings as serve } from '../apps/serve/src/config.js';

/*
 * docs/errors.md and docs/config.md say what the code says, in both directions. `UPDATE_DOCS=1 npm test -- test/docs`
 * writes the tables of docs/config.md from the code; the last column of docs/errors.md is written by hand.
 */

const read = (file: string): string => readFileSync(file, 'utf8');

/** Cells of the rows whose first cell is code, as `| \`no-route\` | 404 | …`. */
function rowsOf(markdown: string): string[][] {
  const rows = markdown.split('\n').filter((line) => line.startsWith('| `'));
  return rows.map((row) => row.slice(2, -2).split(/ (?<!\\)\| /));
}

describe('docs/errors.md', () => {
  const rows = rowsOf(read('docs/errors.md'));

  it('has every code once, as the code has it, and no other', () => {
    const documented = rows.map(([code, status, fault, retry, title]) => [code, status, fault, retry, title]);
    const inCode = Object.entries(ERRORS).map(([code, { status, fault, retry, title }]) => [
      `\`${code}\``,
      String(status),
      fault,
      retry,
      title,
    ]);
    expect(documented.sort()).toEqual(inCode.sort());
  });

  it.each(rows)('says what to do about %s', (...cells) => {
    expect(cells).toHaveLength(6);
    expect(cells[5]).toMatch(/^[A-Z`].{15,}\.$/);
  });
});

type Settings = Readonly<Record<string, Setting<unknown>>>;
const SERVICES: Readonly<Record<string, Settings>> = {
  'ingress-http': ingressHttp,
  executor,
  registry,
  'ingress-sqs': ingressSqs,
  'ingress-mqtt': ingressMqtt,
  embedded,
  cli,
  serve,
};

describe('docs/config.md', () => {
  const file = 'docs/config.md';
  if (process.env.UPDATE_DOCS) writeFileSync(file, Object.keys(SERVICES).reduce(withTable, read(file)));
  const text = read(file);

  it.each(Object.keys(SERVICES))('has every variable of %s, as the code has it', (service) => {
    expect(tableIn(text, service)).toBe(tableOf(SERVICES[service] as Settings));
  });

  it('knows every app that has a configuration', () => {
    const apps = readdirSync('apps').filter((app) => existsSync(`apps/${app}/src/config.ts`));
    expect(Object.keys(SERVICES).sort()).toEqual(apps.sort());
  });

  it('has no table of anything else', () => {
    const services = [...text.matchAll(/<!-- settings of (\S+) -->/g)].map(([, service]) => service);
    expect(services.sort()).toEqual(Object.keys(SERVICES).sort());
    expect(rowsOf(text)).toHaveLength(
      Object.values(SERVICES).flatMap((settings) => Object.keys(settings)).length,
    );
  });
});

function marks(service: string): readonly [string, string] {
  return [`<!-- settings of ${service} -->\n`, `<!-- end of ${service} -->`];
}

function tableIn(markdown: string, service: string): string {
  const [start, end] = marks(service);
  const from = markdown.indexOf(start);
  const to = markdown.indexOf(end);
  return from < 0 || to < 0 ? '' : markdown.slice(from + start.length, to);
}

function withTable(markdown: string, service: string): string {
  const [start, end] = marks(service);
  const [before, after] = [markdown.split(start)[0], markdown.split(end)[1]];
  return `${before}${start}${tableOf(SERVICES[service] as Settings)}${end}${after}`;
}

function tableOf(settings: Settings): string {
  const rows = Object.values(settings).map(
    (one) => `| \`${one.variable}\` | ${defaultOf(one)} | ${one.description.replaceAll('|', '\\|')} |\n`,
  );
  return `\n| variable | default | what it is |\n|---|---|---|\n${rows.join('')}\n`;
}

function defaultOf({ fallback, optional }: Setting<unknown>): string {
  if (fallback === undefined) return optional ? 'not set' : '**required**';
  // A list without an entry is written as its separator, because an empty variable counts as not set.
  return /^[\s,]*$/.test(fallback) ? 'none' : `\`${fallback}\``;
}
