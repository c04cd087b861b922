import { readFileSync } from 'node:fs';
import type { IClientOptions } from 'mqtt';
import { ConfigError } from '#contracts';
import type { IngressMqttConfig } from './config.js';

/** Where the broker is, and how this service shows who it is. */
export interface Login {
  readonly url: string;
  readonly options: Pick<
    IClientOptions,
    'username' | 'password' | 'ca' | 'cert' | 'key' | 'servername' | 'rejectUnauthorized'
  >;
}

/**
 * Reads the files anew each time: certificates are renewed while a service runs.
 * @throws ConfigError naming the file that cannot be read
 */
export function loginOf(config: IngressMqttConfig): Login {
  const url = new URL(config.mqttUrl);
  // The client would let the login inside the URL go before ours.
  const username = config.mqttUser ?? (decodeURIComponent(url.username) || undefined);
  const password = config.mqttPassword ?? (decodeURIComponent(url.password) || undefined);
  url.username = '';
  url.password = '';
  return { url: url.href, options: { ...defined({ username, password }), ...tlsOf(config) } };
}

function tlsOf({ mqttCa, mqttCert, mqttKey, mqttServerName }: IngressMqttConfig): Login['options'] {
  return {
    ...defined({
      ca: read('MESH_MQTT_CA', mqttCa),
      cert: read('MESH_MQTT_CERT', mqttCert),
      key: read('MESH_MQTT_KEY', mqttKey),
      servername: mqttServerName,
    }),
    rejectUnauthorized: true,
  };
}

function read(variable: string, file: string | undefined): Buffer | undefined {
  if (file === undefined) return undefined;
  try {
    return readFileSync(file);
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code ?? 'unreadable';
    throw new ConfigError('ingress-mqtt', [
      `${variable}: ${JSON.stringify(file)} cannot be read: ${why}. Remedy: the path of a PEM file`,
    ]);
  }
}

function defined<T extends object>(values: T): { [K in keyof T]?: NonNullable<T[K]> } {
  const there = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(there) as { [K in keyof T]?: NonNullable<T[K]> };
}
