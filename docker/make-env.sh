#!/bin/sh
# Writes .env from .env.example with random passwords for docker compose. An existing .env is left as it is.
set -eu
cd "$(dirname "$0")/.."
if [ -e .env ]; then
  echo ".env is there already: nothing was changed" >&2
  exit 1
fi
umask 077
random() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }
sed -e "s|^# POSTGRES_PASSWORD=.*|POSTGRES_PASSWORD=$(random)|" \
  -e "s|^# GRAFANA_ADMIN_PASSWORD=.*|GRAFANA_ADMIN_PASSWORD=$(random)|" \
  -e "s|^# GRAFANA_DB_PASSWORD=.*|GRAFANA_DB_PASSWORD=$(random)|" \
  -e "s|^# STRIKEBASE_SECRET_KEY=.*|STRIKEBASE_SECRET_KEY=$(random)|" \
  .env.example > .env
echo "wrote .env with passwords of its own; put your keys there as well" >&2
