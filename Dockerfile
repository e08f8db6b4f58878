# Debian's glibc and the Node.js of package.json. Give a digest where builds must repeat:
#   docker build --build-arg NODE_IMAGE=node:24.21.0-bookworm-slim@sha256:... --build-arg REVISION="$(git rev-parse HEAD)" .
ARG NODE_IMAGE=node:24.21.0-bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci
COPY tsconfig.json tsconfig.build.json ./
COPY apps ./apps
COPY libs ./libs
COPY tools ./tools
RUN npm run build -- --sourceMap false

FROM ${NODE_IMAGE} AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
# No package that the service needs has an install script.
RUN npm ci --omit=dev --ignore-scripts

FROM ${NODE_IMAGE} AS runtime
ARG VERSION=0.1.0
ARG REVISION=
LABEL org.opencontainers.image.title="sluice" \
      org.opencontainers.image.description="Turns a Kafka topic of LLM tasks into results" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
ENV NODE_ENV=production
WORKDIR /app
COPY --from=dependencies /app/node_modules ./node_modules
COPY package.json LICENSE ./
COPY task-types ./task-types
COPY prompts ./prompts
COPY --from=build /app/dist ./dist
# A number, so that Kubernetes can see that it is not root.
USER 10001:10001
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 CMD ["node", "dist/tools/image/healthcheck.js"]
# The flags are those of start:prod: docs/adr/0009.
CMD ["node", "--v8-pool-size=1", "--max-semi-space-size=16", "--heap-growing-percent=60", "dist/apps/worker/src/main.js"]
