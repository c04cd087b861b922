import type { World } from '../world.ts';
import { asyncSource, httpSource } from './http.ts';
import { mqttSource } from './mqtt.ts';
import { requestSource, workSource } from './nats.ts';
import type { Source } from './source.ts';
import { fifoSource, sqsSource } from './sqs.ts';

/** Every way into the mesh, or those that were asked for. */
export async function openSources({ servers, services }: World, only: readonly string[]): Promise<Source[]> {
  const { mqtt, nats, aws } = servers;
  const { httpUrls, queues } = services;
  const openers: Record<string, () => Source | Promise<Source>> = {
    http: () => httpSource(httpUrls),
    async: () => asyncSource(httpUrls),
    request: () => requestSource(nats),
    work: () => workSource(nats),
    // Devices have no login: where nats-server is the broker they are its anonymous users.
    mqtt1: () => mqttSource(mqtt.url, 1),
    mqtt2: () => mqttSource(mqtt.url, 2),
    sqs: () => sqsSource(aws, queues.standard),
    fifo: () => fifoSource(aws, queues.fifo),
  };
  const unknown = only.find((name) => !(name in openers));
  if (unknown !== undefined)
    throw new Error(`There is no source ${unknown}. There are: ${Object.keys(openers).join(', ')}.`);
  const chosen = Object.entries(openers).filter(([name]) => only.length === 0 || only.includes(name));
  return Promise.all(chosen.map(async ([, open]) => open()));
}
