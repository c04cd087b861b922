// Exit code 0 when the service in this container is ready: it answers on the port that its own variable names.
const { MESH_HEALTH_PORT, MESH_HTTP_PORT, MESH_REGISTRY_PORT, MESH_SERVE_PORT } = process.env;
const port = MESH_HEALTH_PORT ?? MESH_HTTP_PORT ?? MESH_REGISTRY_PORT;
// A worker of one handler is ready as soon as it answers.
const url = port ? `${port}/health/ready` : `${MESH_SERVE_PORT}/health`;
const { ok } = await fetch(`http://127.0.0.1:${url}`).catch(() => ({ ok: false }));
process.exit(ok ? 0 : 1);
