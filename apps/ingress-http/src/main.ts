import { launch } from '#lifecycle/launch';

await launch(import.meta.url, async () => (await import('./ingress-http.js')).main());
