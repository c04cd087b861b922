import type { Command } from 'commander';
import { examine } from '../doctor/examine.js';
import type { Finding } from '../doctor/finding.js';
import { EXIT } from '../exit.js';
import { type RemoteOptions, remoteCommand, show } from '../remote.js';
import type { Shell } from '../shell.js';

interface Options extends RemoteOptions {
  readonly url?: string;
  readonly nats?: string;
}

export function doctorCommand(shell: Shell): Command {
  return remoteCommand(
    'doctor',
    'Checks what the other commands need, with a remedy for each thing that is wrong.',
    ['doctor', 'MESH_REGISTRY_URL=https://registry.example.org mesh doctor'],
  )
    .option('--url <url>', 'HTTP ingress; otherwise MESH_HTTP_URL, or mesh.json')
    .option('--nats <url>', 'NATS server; otherwise MESH_NATS_URL, or mesh.json')
    .action(async (options: Options) => {
      const findings = await shell.during('examining', () => examine(shell, options));
      show(shell, options, findings, (all) => all.map(lineOf).join('\n'));
      if (findings.some(({ ok }) => !ok)) shell.exitCode = EXIT.refused;
    });
}

const lineOf = ({ check, ok, detail, remedy }: Finding): string =>
  `${ok ? '✓' : '✗'} ${check.padEnd(10)} ${detail}${remedy === undefined ? '' : `\n             → ${remedy}`}`;
