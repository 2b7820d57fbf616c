#!/usr/bin/env bash
# Write a backup of the database and check that it can be read: DATABASE_URL=… deploy/backup.sh DIRECTORY [DAYS-TO-KEEP]
# Needs pg_dump of the server's version or newer. Run it daily from cron; copy the files to another machine.
set -euo pipefail
umask 077

directory=${1:?usage: DATABASE_URL=... deploy/backup.sh DIRECTORY [DAYS-TO-KEEP]}
days=${2:-30}
: "${DATABASE_URL:?set DATABASE_URL to the database to be saved}"

mkdir -p "$directory"
file="$directory/evalplatform-$(date -u +%Y%m%dT%H%M%SZ).dump"
trap 'rm -f "$file.part"' EXIT

pg_dump --format=custom --no-owner --no-privileges --file="$file.part" "$DATABASE_URL"
tables=$(pg_restore --list "$file.part" | grep -c ' TABLE DATA ')
if [ "$tables" -eq 0 ]; then
    echo "error: the backup of the database holds no table" >&2
    exit 1
fi
mv "$file.part" "$file"
sha256sum "$file" | sed "s|$directory/||" >"$file.sha256"
find "$directory" -name 'evalplatform-*.dump*' -mtime "+$days" -delete
echo "$file ($tables tables)"
