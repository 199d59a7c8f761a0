#!/bin/sh
# Run as the user that the server runs as. Makes a data folder that, once a server of the same PostgreSQL version is
# started on it, has everything up to a moment.
#   recover.sh ARCHIVE NEW_DATA_FOLDER ["2026-11-23 14:05:00+00" [BASE]]
# Without a moment: up to the last segment in the archive. A moment without a zone is in UTC. Without a base: the newest
# that was taken before the moment.
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
    # The server would read it in a zone of its own.
    moment=$(date -u -d "$moment" "+%Y-%m-%d %H:%M:%S.%6N+00")
else
    latest=99991231T235959Z
fi
if [ -z "$base" ]; then
    for each in $(ls -1 "$archive/base" 2>/dev/null | grep -E '^[0-9]{8}T[0-9]{6}Z$' | sort); do
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
# Debian keeps these elsewhere, and that place may be gone. Nobody gets in before all is there, so that no setting has to
# be as large as that server's.
if [ ! -e "$data/postgresql.conf" ]; then
    echo "hot_standby = off" >"$data/postgresql.conf"
    echo "recover.sh: $data/postgresql.conf is new: have your settings in it before you switch" >&2
fi
if [ ! -e "$data/pg_hba.conf" ]; then
    printf '%s\n' "local all all peer" "host all all 127.0.0.1/32 scram-sha-256" >"$data/pg_hba.conf"
    echo "recover.sh: $data/pg_hba.conf is new: only this machine gets in" >&2
fi
{
    echo "archive_mode = 'off'"
    echo "restore_command = 'test -f \"$archive/wal/%f.gz\" && gzip -dc \"$archive/wal/%f.gz\" > \"%p\"'"
    echo "recovery_target_action = 'promote'"
    if [ -n "$moment" ]; then echo "recovery_target_time = '$moment'"; fi
} >>"$data/postgresql.auto.conf"
touch "$data/recovery.signal"
echo "$data: from $base${moment:+ up to $moment}. Start PostgreSQL on it, look at the rows, then see docs/runbooks/restore.md."
