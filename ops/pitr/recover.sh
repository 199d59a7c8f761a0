#!/bin/sh
# Run as the user that the server runs as. Makes a data folder that, once a server of the same PostgreSQL version is started on it, has everything up to a moment.
#   recover.sh ARCHIVE NEW_DATA_FOLDER ["2026-11-23 14:05:00+00" [BASE]]
# Without a moment: up to the last segment in the archive. Without a base: the newest that was taken before the moment.
set -eu

if [ $# -lt 2 ] || [ $# -gt 4 ]; then
    echo 'usage: recover.sh ARCHIVE NEW_DATA_FOLDER ["YYYY-MM-DD hh:mm:ss+00" [BASE]]' >&2
    exit 2
fi
archive=$1 data=$2 moment=${3:-} base=${4:-}

if [ -e "$data" ] && [ -n "$(ls -A "$data")" ]; then
    echo "recover.sh: $data is not empty: nothing is written over" >&2
    exit 1
fi
if [ -n "$moment" ]; then
    latest=$(date -u -d "$moment" +%Y%m%dT%H%M%SZ) || exit 2
else
    latest=99991231T235959Z
fi
if [ -z "$base" ]; then
    for each in $(ls -1 "$archive/base" 2>/dev/null); do
        if [ "$(printf '%s\n%s\n' "$each" "$latest" | sort | head -n 1)" = "$each" ]; then base=$each; fi
    done
fi
if [ -z "$base" ] || [ ! -f "$archive/base/$base/base.tar.gz" ]; then
    echo "recover.sh: $archive has no base backup from before $latest" >&2
    exit 1
fi

mkdir -p "$data"
chmod 700 "$data"
tar --no-same-owner -xzf "$archive/base/$base/base.tar.gz" -C "$data"
mkdir -p "$data/pg_wal"
tar --no-same-owner -xzf "$archive/base/$base/pg_wal.tar.gz" -C "$data/pg_wal"
archive=$(cd "$archive" && pwd)
{
    echo "archive_mode = 'off'"
    echo "restore_command = 'test -f \"$archive/wal/%f.gz\" && gzip -dc \"$archive/wal/%f.gz\" > \"%p\"'"
    echo "recovery_target_action = 'promote'"
    if [ -n "$moment" ]; then echo "recovery_target_time = '$moment'"; fi
} >>"$data/postgresql.auto.conf"
touch "$data/recovery.signal"
echo "$data: from $base${moment:+ up to $moment}. Start PostgreSQL on it, look at the rows, then see docs/runbooks/restore.md."
