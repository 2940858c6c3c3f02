#!/bin/sh
# build.sh library|tests|fuzz [RELEASE]: builds librbdw.so and librbdwrapper.so, the programs that test it, or the fuzzers, into target/c. One
# script and no make, which a machine that can build the rest may lack. CC and CFLAGS may be set; RBDW_C_OUTPUT: another folder for the result.
set -eu
part=$1
release=${2:-development}
sources=$(cd "$(dirname "$0")" && pwd)
module=$(cd "$sources/../../.." && pwd)
codecs=$module/../ipc-protocol/target/generated-sources/sbe-c
output=${RBDW_C_OUTPUT:-$module/target/c}
CC=${CC:-cc}
CFLAGS=${CFLAGS:--O2 -g}

if [ ! -d "$codecs" ]; then
    echo "build.sh: no codecs in $codecs: run mvn -pl ipc-protocol generate-sources first" >&2
    exit 1
fi
mkdir -p "$output"

# the codecs are generated: their warnings are not ours
compile() {
    # shellcheck disable=SC2086
    "$CC" -std=gnu17 -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
        -D_GNU_SOURCE -pthread $CFLAGS -isystem "$codecs" -I "$sources" "$@"
}

case $part in
library)
    compile -DRBDW_RELEASE="\"$release\"" -fPIC -fvisibility=hidden -shared -Wl,-soname,librbdw.so -Wl,-z,defs -Wl,-z,now \
        -o "$output/librbdw.so" "$sources"/*.c
    # the client's code is part of it, and only the hooks can be seen; a hook may be given a NULL that its header forbids
    # (__nonnull), and must not be compiled as if it were not. It is initialised first, for libstdc++ keeps the stdin that it finds
    # when it is. A hook that calls another means this library's: that of a library preloaded before it, as fakeroot's, may have
    # called this one
    compile -fno-delete-null-pointer-checks '-D__nonnull(params)=' -DRBDW_RELEASE="\"$release\"" -DRBDW_API= \
        -I "$sources/preload" -I "$sources/preload/file" -I "$sources/preload/path" -I "$sources/preload/aio" \
        -I "$sources/preload/stdio" -fPIC -fvisibility=hidden -shared -Wl,-soname,librbdwrapper.so -Wl,-z,defs \
        -Wl,-z,now -Wl,-z,initfirst -Wl,-Bsymbolic-functions -o "$output/librbdwrapper.so" "$sources"/*.c "$sources"/preload/*.c \
        "$sources"/preload/*/*.c -ldl
    ;;
tests)
    for program in rbdw_tool rbdw_model rbdw_scenario rbdw_churn rbdw_history; do
        compile -o "$output/$program" "$module/src/test/c/$program.c" -L "$output" -lrbdw -Wl,-rpath,'$ORIGIN'
    done
    # these know nothing of us: the preload library is put before them
    for source in "$module"/src/test/c/preload/*.c; do
        compile -o "$output/$(basename "$source" .c)" "$source"
    done
    # where there is a compiler for it
    if command -v "${CXX:-c++}" >/dev/null; then
        "${CXX:-c++}" -O2 -g -Wall -Wextra -Werror -pthread -o "$output/leave_by_exception" \
            "$module/src/test/c/preload/leave_by_exception.cc"
    fi
    compile -DPRELOADED -o "$output/history" "$module/src/test/c/rbdw_history.c"
    compile -o "$output/preload_model" "$module"/src/test/c/preload_model/*.c
    compile -o "$output/power_recorder" "$module"/src/test/c/power_recorder/*.c
    compile -o "$output/layout_check" "$module/src/test/c/layout_check.c" "$sources"/*.c
    compile -o "$output/cpu_quota_of" "$module/src/test/c/cpu_quota_of.c" "$sources/cpu_quota.c"
    ;;
fuzz)
    # where the compiler brings no libFuzzer (-fsanitize=fuzzer), they only run inputs that are given
    fuzzers=$module/src/test/c/fuzz
    case $CFLAGS in
    *fuzzer*) driver= ;;
    *) driver=$fuzzers/replay.c ;;
    esac
    fuzzer() {
        name=$1
        shift
        # shellcheck disable=SC2086
        compile -DRBDW_RELEASE="\"$release\"" -I "$sources/preload" -I "$sources/preload/file" -I "$sources/preload/path" \
            -I "$sources/preload/aio" -I "$sources/preload/stdio" -I "$fuzzers" -o "$output/$name" "$fuzzers/$name.c" $driver "$@"
    }
    fuzzer partition
    fuzzer path "$sources"/held.c "$sources"/preload/memory.c "$sources"/preload/path/image_path.c "$sources"/preload/path/partition.c "$sources"/preload/path/partition_gpt.c
    fuzzer replies "$sources"/control.c "$sources"/control_call.c "$sources"/futex.c "$sources"/clock.c "$sources"/descriptor.c "$sources"/held.c "$sources"/frame.c "$sources"/error.c "$sources"/segment.c
    fuzzer directory "$sources"/control.c "$sources"/control_call.c "$sources"/futex.c "$sources"/clock.c "$sources"/descriptor.c "$sources"/held.c "$sources"/frame.c "$sources"/error.c "$sources"/segment.c
    fuzzer answers "$sources"/io.c "$sources"/channel.c "$sources"/arena.c "$sources"/queue.c "$sources"/queue_parts.c \
        "$sources"/queue_await.c "$sources"/queue_return.c "$sources"/taken.c "$sources"/user_copy.c "$sources"/held.c "$sources"/error.c
    ;;
*)
    echo "usage: build.sh library|tests|fuzz [RELEASE]" >&2
    exit 2
    ;;
esac
