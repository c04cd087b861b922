import { launch } from '#lifecycle/launch';

await launch(import.meta.url, async () => (await import('./ingress-sqs.js')).main(), { heap: 'small' });
