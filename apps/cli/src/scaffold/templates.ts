import type { ControlPath } from '#contracts';

/* What `mesh new` writes. The texts are an author's first sight of a handler: each is complete and runs as it is. */

export const HANDLER_PACKAGE = '@lambda-mesh/handler';

/** @param tarball path of the handler package inside the project */
export function templates(path: ControlPath, name: string, tarball: string): Record<string, string> {
  return {
    'handler.ts': HANDLER(path),
    'handler.test.ts': TEST,
    'package.json': `${JSON.stringify(packageJson(name, tarball), null, 2)}\n`,
    'tsconfig.json': `${JSON.stringify(TSCONFIG, null, 2)}\n`,
    'README.md': README(path),
    '.gitignore': 'node_modules/\n.mesh/\n/*.tgz\n',
  };
}

const HANDLER = (path: string) => `import { FAIL, handler, OK } from '${HANDLER_PACKAGE}';

// The same handler answers GET /${path}?name=Ada, and {"name":"Ada"} from MQTT, SQS or NATS.
export default handler('${path}', { description: 'Greets by name.' }, (event, context) => {
  const { name = 'world' } = event.query;
  if (typeof name !== 'string') return context(FAIL, { error: 'Only one ?name=, please.' });
  return context(OK, { greeting: \`Hello, \${name}!\` });
});
`;

const TEST = `import assert from 'node:assert/strict';
import { test } from 'node:test';
import { call } from '${HANDLER_PACKAGE}/testing';
import greet from './handler.ts';

test('greets whoever calls', async () => {
  const answer = await call(greet, { query: { name: 'Ada' } });
  assert.equal(answer.outcome, 'ok');
  assert.deepEqual(answer.body, { greeting: 'Hello, Ada!' });
});

test('says no to two names', async () => {
  const answer = await call(greet, { query: 'name=Ada&name=Bob' });
  assert.equal(answer.outcome, 'failed');
  assert.equal(answer.status, 400);
});

test('serves a device as well', async () => {
  const answer = await call(greet, { source: 'mqtt', body: { name: 'sensor 7' } });
  assert.deepEqual(answer.body, { greeting: 'Hello, sensor 7!' });
});
`;

const packageJson = (name: string, tarball: string) => ({
  name,
  version: '0.1.0',
  private: true,
  type: 'module',
  engines: { node: '>=22.18' },
  scripts: { test: 'node --test' },
  dependencies: { [HANDLER_PACKAGE]: `file:${tarball}` },
});

const TSCONFIG = {
  compilerOptions: {
    module: 'nodenext',
    target: 'es2024',
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    // Node runs the sources as they are: it strips types, and understands nothing that needs more.
    allowImportingTsExtensions: true,
    erasableSyntaxOnly: true,
    verbatimModuleSyntax: true,
  },
  exclude: ['node_modules'],
};

const README = (path: string) => `# ${path}

A handler of a λ-mesh.

\`\`\`sh
npm test                              # no network, nothing to install; Node 22.18 or newer
mesh dev                              # a mesh on this machine with this handler, again at every save
mesh publish                          # pack it, and make it live
mesh invoke ${path} --query name=Ada  # call it
mesh rollback ${path}                 # back to the version before
mesh logs ${path}                     # follow what it logs
\`\`\`

A version never changes once it is published: raise \`version\` in package.json (\`npm version minor\`) and publish again.

What else a handler may say of itself (triggers, limits, environment, input schema) are the options of \`handler(…)\`. More than
one handler, or files that belong to it, stand in package.json:

\`\`\`json
"mesh": { "handlers": { "${path}": "handler.ts" }, "assets": ["templates/*.html"] }
\`\`\`

\`vendor/\` holds the package \`${HANDLER_PACKAGE}\`, which came with the command line. For types in an editor:
\`npm install --save-dev typescript @types/node\`.
`;
