#!/bin/sh
# check-tools.sh [JAVA_HOME_OF_MAVEN]: run by the build before anything else: says in one line what is missing.
set -eu
here=$(dirname "$0")
. "$here/../adm/src/main/sh/find-jdk.sh"

fail() {
    echo "rbdwrapper: $1" >&2
    exit 1
}

# where maven-toolchains-plugin looks, which are fewer places than the launchers look in
maven_sees_jdk() {
    [ ! -e "$HOME/.m2/toolchains.xml" ] || return 0
    for _home in "$@" /usr/lib/jvm/* /usr/lib64/jvm/* /usr/java/* /usr/local/java/* /opt/java/* \
        "$HOME"/.sdkman/candidates/java/* "$HOME"/.jdks/* "$HOME"/.m2/jdks/*; do
        if [ -x "$_home/bin/javac" ] && rbdw_jdk_fits "$_home"; then
            return 0
        fi
    done
    return 1
}

if ! find_jdk; then
    rbdw_no_jdk
    exit 1
fi
home=${JAVA%/bin/java}
if ! maven_sees_jdk "${1:-${_on_path:-}}" "${JAVA_HOME:-}" "${JAVA25_HOME:-}"; then
    [ -x "$home/bin/javac" ] || fail "$home has no javac: install a JDK $RBDW_JDK_MINIMUM, for instance the package temurin-25-jdk"
    fail "Maven does not look for a JDK in $home: set JAVA25_HOME=$home"
fi
if ! command -v "${CC:-cc}" >/dev/null 2>&1; then
    fail "no C compiler found (${CC:-cc}): install one, for instance the package gcc, or set CC"
fi
