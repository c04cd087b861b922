/*
 * Writes docs/config.md from the settings of every service, so that the page cannot say anything else than the code.
 *
 *   npm run build && node tools/config-docs.mjs          writes it
 *   npm run build && node tools/config-docs.mjs --check  fails when it differs
 */
import { readFileSync, writeFileSync } from 'node:fs';

const FILE = new URL('../docs/config.md', import.meta.url);
const SERVICES = {
  embedded: [
    'apps/embedded/src/config.js',
    'settings',
    '`npm start`: the whole mesh in one process. What else a service reads is set for it.',
  ],
  'ingress-http': ['apps/ingress-http/src/config.js', 'settings', 'REST clients.'],
  'ingress-mqtt': ['apps/ingress-mqtt/src/config.js', 'settings', 'MQTT devices.'],
  'ingress-sqs': ['apps/ingress-sqs/src/config.js', 'settings', 'SQS queues.'],
  executor: ['apps/executor/src/config.js', 'settings', 'Runs handlers.'],
  registry: ['apps/registry/src/config.js', 'registrySettings', 'Versions, routes, audit.'],
};

const cell = (text) => text.replaceAll('|', '\\|').trim();

function defaultOf({ fallback, optional }) {
  if (fallback !== undefined && fallback.replaceAll(',', '').trim() !== '') return `\`${fallback}\``;
  return optional || fallback !== undefined ? 'none' : '**required**';
}

function tableOf(settings) {
  const rows = Object.values(settings).map(
    (setting) => `| \`${setting.variable}\` | ${cell(defaultOf(setting))} | ${cell(setting.description)} |`,
  );
  return ['| variable | default | meaning |', '|---|---|---|', ...rows].join('\n');
}

async function render() {
  const parts = [];
  for (const [name, [file, exported, about]] of Object.entries(SERVICES)) {
    const module = await import(new URL(`../dist/${file}`, import.meta.url).href);
    parts.push(`## ${name}\n\n${about}\n\n${tableOf(module[exported])}`);
  }
  return `# Configuration

Every service is configured by environment variables, read once at its start. A wrong or missing value stops the start
with one message that names every faulty variable and its remedy. An empty variable counts as not set. Lists are separated
by commas. This page is made from the code by \`tools/config-docs.mjs\`.

${parts.join('\n\n')}
`;
}

const text = await render();
if (!process.argv.includes('--check')) writeFileSync(FILE, text);
else if (readFileSync(FILE, 'utf8') !== text) {
  process.stderr.write(
    'docs/config.md differs from the settings in the code. Remedy: npm run build && node tools/config-docs.mjs\n',
  );
  process.exitCode = 1;
}
