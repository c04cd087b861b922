import type { ControlPath } from '#contracts';

/*
 * Handlers in other languages than JavaScript: each runtime is an example of the mesh's own (examples/runtimes), whose
 * files are copied; the handler is written here, an author's first sight of it.
 */

export interface Language {
  /** Of the example's files and folders, those that a handler needs. */
  readonly copied: readonly string[];
  /** What is written beside them, by name. */
  readonly written: Readonly<Record<string, string>>;
  /** Of mesh.json, what differs. */
  readonly stated: Readonly<Record<string, string>>;
  /** The file to begin with. */
  readonly handler: string;
}

export const LANGUAGES: Readonly<Record<string, (path: ControlPath) => Language>> = {
  python: () => ({
    copied: ['bootstrap'],
    written: { 'handler.py': PYTHON },
    stated: { event: 'payload', export: 'handler.handler' },
    handler: 'handler.py',
  }),
  ruby: (path) => ({
    copied: ['bootstrap', 'lib', 'vendor-gem'],
    written: { [`handlers/${fileName(path)}.rb`]: ruby(path) },
    stated: { event: 'mesh' },
    handler: `handlers/${fileName(path)}.rb`,
  }),
  bash: () => ({
    copied: ['bootstrap'],
    written: { 'function.sh': BASH },
    stated: { event: 'payload', export: 'function.handler' },
    handler: 'function.sh',
  }),
};

const fileName = (path: string): string => path.replaceAll(/[/-]/g, '_');

const PYTHON = `"""Greets by name."""


# The same handler answers ?name=Ada over HTTP, and {"name": "Ada"} from MQTT, SQS, NATS or a Lambda client.
def handler(event, context):
    name = (event or {}).get("name", "world")
    print(f"greeting {name}")
    return {"greeting": f"Hello, {name}!"}
`;

const ruby = (path: string) => `# frozen_string_literal: true

# The same handler answers ?name=Ada over HTTP, and {"name": "Ada"} from MQTT, SQS, NATS or a Lambda client.
λ.| '${path}' do
  version "0.1.0"

  name = event.query.fetch(:name, 'world')
  context(OK, greeting: "Hello, #{name}!")
end
`;

const BASH = `# A handler: the event as its argument, the answer on stdout, the log on stderr; a status other than 0 is an error.
handler() {
  local name=world
  [[ $1 =~ \\"name\\":\\"([A-Za-z]+)\\" ]] && name=\${BASH_REMATCH[1]}
  echo "greeting $name" >&2
  printf '{"greeting":"Hello, %s!"}' "$name"
}
`;

export const readme = (path: string, language: string, handler: string) => `# ${path}

A handler of a λ-mesh in ${language}: \`${handler}\`. The file \`bootstrap\` is its runtime, which polls AWS Lambda's Runtime API; the same
folder is a function of AWS Lambda's, where its interpreter is: in a container image, or with a layer.

\`\`\`sh
mesh dev                              # a mesh on this machine with this handler, again at every save
mesh publish                          # pack it, and make it live
mesh invoke ${path} --query name=Ada  # call it
mesh pack --lambda                    # a zip for AWS Lambda
\`\`\`

A version never changes once it is published: raise "version" in mesh.json and publish again. What else mesh.json may say (triggers,
limits, environment, the shape of the event) are the fields of the manifest.
`;
