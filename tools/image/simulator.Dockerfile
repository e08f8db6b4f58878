# The stand-in for GigaChat, for docker compose only; the product's image has nothing of it.
ARG NODE_IMAGE=node:24.21.0-bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci
COPY tsconfig.json tsconfig.build.json ./
COPY apps ./apps
RUN npm run build -- --sourceMap false

FROM ${NODE_IMAGE} AS runtime
WORKDIR /app
COPY --from=build /app/node_modules/zod ./node_modules/zod
COPY package.json ./
COPY --from=build /app/dist ./dist
USER 10001:10001
EXPOSE 8080
CMD ["node", "dist/apps/simulator/src/main.js"]
