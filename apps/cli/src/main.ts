#!/usr/bin/env node
import { launch } from '#lifecycle/launch';

await launch(import.meta.url, async () => (await import('./mesh.js')).main());
