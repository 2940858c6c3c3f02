#!/bin/sh
# format.sh check|apply FORMATTER.jar: checks or rewrites all Java sources. Run on the JDK 25 that is found and not inside
# Maven, whose own JDK may be too old to parse them.
set -eu
action=$1
formatter=$2
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/adm/src/main/sh/find-jdk.sh"
find_jdk || { rbdw_no_jdk; exit 1; }
files=$(mktemp)
trap 'rm -f "$files"' EXIT
find "$root"/*/src -name '*.java' >"$files"
[ -s "$files" ] || exit 0
case $action in
check)
    errors=$(mktemp)
    trap 'rm -f "$files" "$errors"' EXIT
    if ! changed=$("$JAVA" -jar "$formatter" --aosp --dry-run --set-exit-if-changed "@$files" 2>"$errors"); then
        if [ -n "$changed" ]; then
            echo "rbdwrapper: these files are not formatted; 'mvn -N -Pformat initialize' mends them:" >&2
            echo "$changed" | sed "s|^$root/|  |" >&2
        else
            echo "rbdwrapper: the formatter cannot read these files:" >&2
        fi
        sed "s|^$root/|  |" "$errors" >&2
        exit 1
    fi
    ;;
apply) "$JAVA" -jar "$formatter" --aosp --replace "@$files" ;;
esac
