#!/usr/bin/env bash
# Bring a backup into an EMPTY database, whole or not at all: DATABASE_URL=… deploy/restore.sh FILE
# Stop web, worker and beat first; afterwards run `manage.py migrate` and start them again.
set -euo pipefail

file=${1:?usage: DATABASE_URL=... deploy/restore.sh FILE}
: "${DATABASE_URL:?set DATABASE_URL to the empty database to be filled}"

if [ -f "$file.sha256" ]; then
    (cd "$(dirname "$file")" && sha256sum --check --quiet "$(basename "$file").sha256")
fi
tables=$(psql --no-psqlrc --tuples-only --no-align --dbname="$DATABASE_URL" \
    --command="SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
if [ "$tables" -ne 0 ]; then
    echo "error: the database holds $tables tables already. Restore into an empty one (createdb) and point DATABASE_URL to it." >&2
    exit 1
fi
pg_restore --single-transaction --exit-on-error --no-owner --no-privileges --dbname="$DATABASE_URL" "$file"
echo "restored from $file"
