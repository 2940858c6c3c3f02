#!/bin/sh
# prepare-start.sh TREE SOURCES WORK: makes the commands of an install tree start fast.
#
# 1. picocli's classes are compiled again: as it is published they have a format so old that no archive of loaded classes takes them.
# 2. One run of each program writes an AOT cache, lib/*.aot: classes as they are in memory once they are loaded. Another JDK does
#    without it, and so do the launchers where a jar of ours is newer.
#
# SOURCES: a folder with picocli's sources; WORK: a folder for what lies between. A cache that cannot be made is said and does no harm.
set -eu
tree=$1
sources=$2
work=$3
. "$tree/lib/find-jdk.sh"
find_jdk || { rbdw_no_jdk; exit 1; }
jdk=${JAVA%/bin/java}
mkdir -p "$work"

picocli=$(ls "$tree"/lib/picocli-*.jar)
again=$work/$(basename "$picocli")
if [ ! -f "$again" ]; then
    rm -rf "$work/classes"
    mkdir "$work/classes"
    "$jdk/bin/javac" -nowarn -Xlint:none --release 25 -d "$work/classes" "$sources"/picocli/*.java
    cp "$picocli" "$work/new.jar"
    "$jdk/bin/jar" --update --file "$work/new.jar" -C "$work/classes" picocli
    mv "$work/new.jar" "$again"
fi
cmp -s "$again" "$picocli" || cp -p "$again" "$picocli"

made_of=$(rbdw_made_of "$tree/lib")
if [ -f "$tree/lib/adm.aot" ] && [ -f "$tree/lib/broker.aot" ] && [ "$made_of" = "$(cat "$tree/lib/aot.made-of" 2>/dev/null)" ]; then
    touch "$tree/lib/aot.made-of"
    exit 0
fi
rm -f "$tree"/lib/*.aot "$tree/lib/aot.made-of"

scratch=$(mktemp -d)
broker=
finish() {
    if [ -n "$broker" ]; then
        kill "$broker" 2>/dev/null || true
        wait "$broker" 2>/dev/null || true
    fi
    rm -rf "$scratch"
}
trap finish EXIT
export RBDW_RUN_DIR="$scratch/run" RBDW_STATE_DIR="$scratch/state"
unset RBDW_JAVA_OPTS

RBDW_AOT_OUTPUT=$scratch/broker.aot "$tree/bin/rbdwrapper-broker" start --foreground --store file >"$scratch/log" 2>&1 &
broker=$!
for _ in $(seq 200); do
    [ -S "$RBDW_RUN_DIR/broker.sock" ] && break
    sleep 0.1
done
adm() {
    "$tree/bin/rbdwrapper-adm" "$@" >>"$scratch/log" 2>&1
}
# with an option: so that picocli is in it, too
if adm create a --size 1M && adm map a && RBDW_AOT_OUTPUT=$scratch/adm.aot adm showmapped --format plain; then
    kill "$broker"
    wait "$broker" || true
    broker=
fi
for cache in adm broker; do
    if [ -f "$scratch/$cache.aot" ]; then
        mv "$scratch/$cache.aot" "$tree/lib/$cache.aot"
        chmod 644 "$tree/lib/$cache.aot"
    else
        echo "prepare-start.sh: no cache for rbdwrapper-$cache, which then starts more slowly:" >&2
        tail -n 5 "$scratch/log" >&2
    fi
done
echo "$made_of" >"$tree/lib/aot.made-of"
