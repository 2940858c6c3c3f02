# Sourced: find_jdk sets JAVA to the java of a JDK 25 or newer, and JDK_BUILD to which one it is, or returns 1. Reads each JDK's
# `release` file instead of starting it, which would cost every command some 50 ms a candidate; and without other programs, of
# which each costs about 1 ms.

RBDW_JDK_MINIMUM=25

rbdw_jdk_fits() {
    [ -n "$1" ] && [ -x "$1/bin/java" ] && [ -r "$1/release" ] || return 1
    JDK_BUILD=''
    while IFS='=' read -r _key _value; do
        case $_key in
        IMPLEMENTOR* | JAVA_RUNTIME_VERSION) JDK_BUILD="$JDK_BUILD $_value" ;;
        JAVA_VERSION) # after those, and before a long list of modules, which a shell would read byte by byte
            _major=${_value#\"}
            _major=${_major%%[!0-9]*}
            [ "${_major:-0}" -ge "$RBDW_JDK_MINIMUM" ]
            return
            ;;
        esac
    done <"$1/release"
    return 1
}

rbdw_take_jdk() {
    for _home in "$@"; do
        if rbdw_jdk_fits "$_home"; then
            JAVA=$_home/bin/java
            return 0
        fi
    done
    return 1
}

find_jdk() {
    rbdw_take_jdk "${RBDW_JAVA_HOME:-}" "${JAVA_HOME:-}" "${JAVA25_HOME:-}" && return 0
    _on_path=$(command -v java 2>/dev/null) && _on_path=$(readlink -f "$_on_path") && _on_path=${_on_path%/bin/java}
    rbdw_take_jdk "${_on_path:-}" /usr/lib/jvm/* "$HOME"/.sdkman/candidates/java/* "$HOME"/.jdks/* /opt/*
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

# rbdw_aot LIB NAME: AOT and AOT_LOG become the options by which a JVM uses the cache of loaded classes LIB/NAME.aot, or, with RBDW_AOT_OUTPUT,
# writes one. LIB/aot.made-of says what the caches were made of. A JVM does not look whether the jars are still the same, so that it
# would run what stood in other ones; and with another JDK's cache it starts more slowly than with none. What it says of a cache
# that does not fit must not come between a command's lines.
rbdw_aot() {
    AOT='' AOT_LOG=''
    if [ -n "${RBDW_AOT_OUTPUT:-}" ]; then
        AOT=-XX:AOTCacheOutput=$RBDW_AOT_OUTPUT
        AOT_LOG=-Xlog:disable
        return
    fi
    [ -f "$1/$2.aot" ] && [ -r "$1/$2.aot" ] && [ -r "$1/aot.made-of" ] || return 0
    read -r _build <"$1/aot.made-of" || return 0
    [ "$_build" = "JDK$JDK_BUILD" ] || return 0
    for _jar in "$1"/*.jar; do
        if [ "$_jar" -nt "$1/aot.made-of" ]; then
            # or is it the same in a copy that did not keep the times?
            [ "$(rbdw_made_of "$1" 2>/dev/null)" = "$(cat "$1/aot.made-of")" ] || return 0
            break
        fi
    done
    AOT=-XX:AOTCache=$1/$2.aot
    AOT_LOG='-Xlog:disable -Xlog:all=error,aot*=off,cds*=off:stderr'
}

# rbdw_made_of LIB: what a cache depends on; after find_jdk
rbdw_made_of() {
    echo "JDK$JDK_BUILD"
    (cd "$1" && cksum ./*.jar)
}
