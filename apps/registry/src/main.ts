import { launch } from '#lifecycle/launch';

await launch(import.meta.url, async () => (await import('./registry.js')).main(), { heap: 'small' });
