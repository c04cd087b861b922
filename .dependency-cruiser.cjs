// Who may import whom. Each rule carries its reason; `npm run boundaries` checks them.
const apps = 'ingress-http|ingress-sqs|ingress-mqtt|executor|registry|cli';
const only = (name, comment, module, home) => ({
  name,
  comment,
  severity: 'error',
  from: { path: '^(apps|libs)/', pathNot: home },
  to: { path: module },
});

module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      comment: 'A cycle means two files are one idea.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'contracts-stand-alone',
      comment: 'Contracts are pure: what every service agrees on must not drag a service or I/O in.',
      severity: 'error',
      from: { path: '^libs/contracts/' },
      to: { path: '^(apps|libs/(?!contracts/))|node_modules/(@nestjs|@nats-io|typeorm|pg|mqtt|@aws-sdk)|^(fs|net|http|child_process|worker_threads)$' },
    },
    {
      name: 'libs-know-contracts-only',
      comment: 'Artifacts, handler, fabric, packer, servers and lifecycle are used by many: they may lean on contracts alone.',
      severity: 'error',
      from: { path: '^libs/(artifacts|handler|fabric|packer|servers|lifecycle)/' },
      to: { path: '^(apps|libs)/', pathNot: '^libs/(contracts|$1)/' },
    },
    {
      name: 'apps-stand-apart',
      comment: 'Services talk over NATS and HTTP, not by import, so that each deploys alone. (Embedded is all of them in one process; serve is an executor of one handler.)',
      severity: 'error',
      from: { path: `^apps/(${apps})/` },
      to: { path: '^apps/', pathNot: '^apps/$1/' },
    },
    {
      name: 'serve-knows-the-executor-only',
      comment: 'It runs one handler by the code that an executor runs it with, and needs nothing of the other services.',
      severity: 'error',
      from: { path: '^apps/serve/' },
      to: { path: '^apps/', pathNot: '^apps/(serve|executor)/' },
    },
    {
      name: 'handler-in-executor-only',
      comment: 'Only what runs handlers needs the author-side package; the rest sees envelopes.',
      severity: 'error',
      from: { path: '^apps/(?!executor/|serve/)' },
      to: { path: '^libs/handler/' },
    },
    {
      name: 'servers-in-embedded-only',
      comment: 'A deployed service must never start a server of its own.',
      severity: 'error',
      from: { path: '^apps/(?!embedded/)' },
      to: { path: '^libs/servers/' },
    },
    only('nats-in-fabric', 'One library knows the NATS client, so that its quirks are handled once. (The servers launcher probes too.)', 'node_modules/@nats-io/', '^libs/fabric/|\\.spec\\.ts$'),
    only('typeorm-in-catalogue', 'Persistence stops at the catalogue; the rest of the registry sees plain values. (Launcher and embedded start make and fill databases.)', 'node_modules/(typeorm|@nestjs/typeorm|pg|pg-copy-streams)/', '^apps/registry/src/catalogue/|^(libs/servers|apps/embedded|examples)/'),
    only('sqs-in-its-ingress', 'Each source client stays in its ingress.', 'node_modules/@aws-sdk/client-sqs/', '^apps/ingress-sqs/|^apps/embedded/|\\.spec\\.ts$'),
    only('s3-in-artifacts', 'What holds artifacts is behind one port, and so is what they are imported from.', 'node_modules/@aws-sdk/client-s3/', '^libs/artifacts/|\\.spec\\.ts$'),
    only('mqtt-in-its-ingress', 'Each source client stays in its ingress.', 'node_modules/mqtt/', '^apps/ingress-mqtt/|\\.spec\\.ts$'),
    only('esbuild-in-packer', 'Bundling is the packer\'s matter.', 'node_modules/esbuild/', '^libs/(packer|handler)/'),
    {
      name: 'no-dev-dependencies',
      comment: 'What runs must be installed with the product.',
      severity: 'error',
      from: { path: '^(apps|libs)/', pathNot: '\\.spec\\.ts$' },
      to: { dependencyTypes: ['npm-dev'], pathNot: 'node_modules/@types/' },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)dist/' },
    tsConfig: { fileName: 'tsconfig.check.json' },
    enhancedResolveOptions: { conditionNames: ['source', 'import', 'node', 'default'], exportsFields: ['exports'] },
  },
};
