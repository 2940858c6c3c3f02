# Sourced by the scripts of this folder, with perf set to it.

# perf_java NAME MAIN [ARGUMENT...]: runs a class of this module in place of the script
perf_java() {
    root=$(dirname "$perf")
    . "$root/adm/src/main/sh/find-jdk.sh"
    find_jdk || { rbdw_no_jdk; exit 1; }
    if [ ! -d "$perf/target/lib" ] || [ ! -x "$root/adm/target/rbdwrapper/bin/rbdwrapper-broker" ]; then
        echo "$1: there is no build in $root: run 'mvn -q package -DskipTests' there" >&2
        exit 1
    fi
    shift
    exec "$JAVA" "@$root/client-lib/src/main/jvm/client.jvmopts" -Xms64m -Xmx256m -XX:+UseSerialGC \
        -cp "$perf/target/classes:$perf/target/lib/*" "-Drbdw.root=$root" "$@"
}
