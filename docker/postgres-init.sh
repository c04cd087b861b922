#!/bin/sh
# Run once by the Postgres image, when its volume is new. Handlers get a database and a user of their own: they are not
# the registry, and must not read or change what it keeps.
set -eu
psql -v ON_ERROR_STOP=1 -v password="$MESH_HANDLERS_DATABASE_PASSWORD" -U "$POSTGRES_USER" -d "$POSTGRES_DB" <<'SQL'
CREATE ROLE handlers LOGIN PASSWORD :'password';
CREATE DATABASE handlers OWNER handlers;
REVOKE CONNECT ON DATABASE mesh FROM PUBLIC;
SQL
for script in /handlers/*/seed.sql; do
  [ ! -f "$script" ] || psql -v ON_ERROR_STOP=1 -U handlers -d handlers -f "$script"
done
