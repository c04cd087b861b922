#!/usr/bin/env node
import { bootstrap } from './bootstrap.js';

/* `bootstrap.mjs` of a zip for AWS Lambda, and the command `mesh-lambda` of the package. */
process.exit(
  await bootstrap(process.env, process.argv.slice(2), process.env.LAMBDA_TASK_ROOT ?? process.cwd()),
);
