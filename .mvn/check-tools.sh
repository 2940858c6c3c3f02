#!/bin/sh
# Run by the build before anything else: says in one line what is missing.
set -eu
here=$(dirname "$0")
. "$here/../adm/src/main/sh/find-jdk.sh"
if ! find_jdk; then
    rbdw_no_jdk
    exit 1
fi
if ! command -v "${CC:-cc}" >/dev/null 2>&1; then
    echo "rbdwrapper: no C compiler found (${CC:-cc}): install one, for instance the package gcc, or set CC" >&2
    exit 1
fi
