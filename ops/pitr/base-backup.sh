#!/bin/sh
# A copy of the whole server, from which recovery to any later moment begins; older ones than the last two go, and the
# WAL segments that only they needed. PGHOST, PGPORT, PGUSER and PGPASSWORD say which server (a role with REPLICATION).
#   base-backup.sh ARCHIVE
set -eu

if [ $# -ne 1 ]; then
    echo "usage: base-backup.sh ARCHIVE" >&2
    exit 2
fi
archive=$1
keep=2
partial="$archive/base/.$$.partial"

bases() {
    for each in "$archive"/base/*/; do basename "$each"; done | grep -E '^[0-9]{8}T[0-9]{6}Z$' | sort
}

mkdir -p "$archive/base"
exec 9>"$archive/base/.lock"
if ! flock -n 9; then
    echo "base-backup.sh: another one is under way in $archive" >&2
    exit 1
fi
rm -rf "$archive"/base/.*.partial # Of those who were killed half-way.
trap 'rm -rf "$partial"' EXIT
trap 'exit 1' HUP INT TERM
pg_basebackup --pgdata="$partial" --format=tar --gzip --wal-method=stream --checkpoint=fast
sync
# No moment before its end can be recovered to: that is its name.
name=$(date -u +%Y%m%dT%H%M%SZ)
mv -T "$partial" "$archive/base/$name"
echo "$archive/base/$name"

bases | head -n -"$keep" | while read -r old; do
    rm -rf "${archive:?}/base/$old"
    echo "$old is not kept any longer"
done
oldest=$(bases | head -n 1)
needed=$(tar -xzOf "$archive/base/$oldest/base.tar.gz" backup_label | sed -n 's/^START WAL LOCATION: .* (file \([0-9A-F]*\))$/\1/p')
if [ -n "$needed" ] && [ -d "$archive/wal" ]; then
    for path in "$archive"/wal/*.gz; do
        [ -e "$path" ] || continue
        segment=$(basename "$path" .gz)
        # Timelines aside, segments are numbered in the order of their names; histories are always kept.
        case $segment in
            *.history) continue ;;
        esac
        if [ "$(printf '%s\n%s\n' "$(echo "$segment" | cut -c9-24)" "$(echo "$needed" | cut -c9-24)" | sort | head -n 1)" \
            != "$(echo "$needed" | cut -c9-24)" ]; then
            rm -f "$path"
        fi
    done
fi
