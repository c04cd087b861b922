import { launch } from '#lifecycle/launch';

await launch(import.meta.url, async () => (await import('./ingress-mqtt.js')).main(), { heap: 'small' });
