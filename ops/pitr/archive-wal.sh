#!/bin/sh
# PostgreSQL's archive_command: keeps a copy of each WAL segment, packed, never over another one.
#   archive_mode = on
#   archive_timeout = 300
#   archive_command = '/path/to/archive-wal.sh "%p" "%f" /path/to/archive'
set -eu

if [ $# -ne 3 ]; then
    echo "usage: archive-wal.sh SEGMENT NAME ARCHIVE" >&2
    exit 2
fi
segment=$1 name=$2 archive=$3
kept="$archive/wal/$name.gz"

mkdir -p "$archive/wal"
if [ -e "$kept" ]; then
    # It was kept before, and the server did not hear of it.
    if gzip -dc "$kept" | cmp -s - "$segment"; then exit 0; fi
    echo "archive-wal.sh: $kept is another segment: is this archive of another server?" >&2
    exit 1
fi
partial="$archive/wal/.$name.partial"
trap 'rm -f "$partial"' EXIT
gzip -1 -c "$segment" >"$partial"
sync "$partial"
mv "$partial" "$kept"
sync "$archive/wal"
