# One image for server and worker: node --import tsx src/bin/server.ts, or src/bin/worker.ts. Trains on the CPU (ONNX Runtime).
# For NVIDIA GPUs see Dockerfile.gpu.
FROM node:22-bookworm-slim AS build
WORKDIR /app
COPY . .
# The Prisma client, the GraphQL types and the dashboard are generated; what generates them stays behind.
RUN npm ci && npm run generate && npm prune --omit=dev

FROM node:22-bookworm-slim
ENV NODE_ENV=production RUNGRAPH_HOME=/var/lib/rungraph HF_HOME=/var/lib/rungraph/huggingface HOST=0.0.0.0
WORKDIR /app
COPY --from=build /app ./
RUN install -d -o node -g node /var/lib/rungraph /var/lib/rungraph-blobs
USER node
VOLUME /var/lib/rungraph
EXPOSE 4000
CMD ["node", "--import", "tsx", "src/bin/server.ts"]
