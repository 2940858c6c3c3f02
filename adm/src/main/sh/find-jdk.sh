# Sourced: find_jdk sets JAVA to the java of a JDK 25 or newer, or returns 1. Reads each JDK's `release` file instead of
# starting it, which would cost every command some 50 ms a candidate.

RBDW_JDK_MINIMUM=25

rbdw_jdk_major() {
    [ -x "$1/bin/java" ] && [ -r "$1/release" ] || return 1
    sed -n 's/^JAVA_VERSION="\([0-9]*\).*/\1/p' "$1/release"
}

rbdw_jdk_fits() {
    [ -n "$1" ] || return 1
    _major=$(rbdw_jdk_major "$1") && [ -n "$_major" ] && [ "$_major" -ge "$RBDW_JDK_MINIMUM" ]
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
