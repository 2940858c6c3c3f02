# Sourced: find_jdk sets JAVA to the java of a JDK 25 or newer, or returns 1. Reads each JDK's `release` file instead of
# starting it, which would cost every command some 50 ms a candidate.

RBDW_JDK_MINIMUM=25

# without a process of its own, each of which takes a millisecond
rbdw_jdk_fits() {
    [ -n "$1" ] && [ -x "$1/bin/java" ] && [ -r "$1/release" ] || return 1
    while IFS= read -r _line; do
        case $_line in
        'JAVA_VERSION="'*)
            _major=${_line#*\"}
            _major=${_major%%[!0-9]*}
            [ "${_major:-0}" -ge "$RBDW_JDK_MINIMUM" ]
            return
            ;;
        esac
    done <"$1/release"
    return 1
}

find_jdk() {
    _on_path=$(command -v java 2>/dev/null) && _on_path=$(readlink -f "$_on_path") && _on_path=${_on_path%/bin/java}
    for _home in "${RBDW_JAVA_HOME:-}" "${JAVA_HOME:-}" "${JAVA25_HOME:-}" "${_on_path:-}" \
        /usr/lib/jvm/* "$HOME"/.sdkman/candidates/java/* "$HOME"/.jdks/* /opt/*; do
        if rbdw_jdk_fits "$_home"; then
            JAVA=$_home/bin/java
            return 0
        fi
    done
    return 1
}

rbdw_no_jdk() {
    echo "rbdwrapper: no JDK $RBDW_JDK_MINIMUM or newer found (JAVA_HOME, JAVA25_HOME, PATH, /usr/lib/jvm, ~/.sdkman, ~/.jdks, /opt):" \
        "install one, for instance the package temurin-25-jdk, or set JAVA25_HOME" >&2
}

# names of images are UTF-8, and Java reads its arguments as the locale says: in a container often as ASCII
rbdw_utf8() {
    case ${LC_ALL:-${LC_CTYPE:-${LANG:-}}} in
    *UTF-8 | *utf8) ;;
    *) export LC_ALL=C.UTF-8 ;;
    esac
}

# rbdw_aot LIB NAME: AOT becomes the options by which a JVM uses the cache of loaded classes LIB/NAME.aot, or, with RBDW_AOT_OUTPUT,
# writes one. It is not used where a jar of ours is newer: the JVM does not look. What it says of a cache that does not fit must not come
# between a command's lines.
rbdw_aot() {
    AOT=
    if [ -n "${RBDW_AOT_OUTPUT:-}" ]; then
        AOT="-XX:AOTCacheOutput=$RBDW_AOT_OUTPUT -Xlog:disable"
        return
    fi
    [ -r "$1/$2.aot" ] || return 0
    for _jar in "$1"/rbdwrapper-*.jar; do
        ! [ "$_jar" -nt "$1/$2.aot" ] || return 0
    done
    AOT="-XX:AOTCache=$1/$2.aot -Xlog:disable -Xlog:all=error,aot*=off,cds*=off:stderr"
}
