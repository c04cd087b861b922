// Exit code 0 when the service in this container is ready: it answers on the port that its own variable names.
const { MESH_HEALTH_PORT, MESH_HTTP_PORT, MESH_REGISTRY_PORT } = process.env;
const port = MESH_HEALTH_PORT ?? MESH_HTTP_PORT ?? MESH_REGISTRY_PORT;
const { ok } = await fetch(`http://127.0.0.1:${port}/health/ready`).catch(() => ({ ok: false }));
process.exit(ok ? 0 : 1);
