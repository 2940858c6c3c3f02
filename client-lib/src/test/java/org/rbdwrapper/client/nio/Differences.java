package org.rbdwrapper.client.nio;

import java.nio.file.LinkOption;
import java.nio.file.OpenOption;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;

/** The tables of what is meant to be otherwise than java.nio has it for plain files. */
final class Differences {
    /** Of an exported package that javac warns of. */
    static final OpenOption DIRECT = direct();

    static final List<Difference<TransferCall>> OF_TRANSFERS =
            List.of(
                    new Difference<>(
                            "a write at or past the end fails with ENOSPC",
                            "an image has a fixed size, and a file grows",
                            (call, plain, image) ->
                                    !call.operation().isRead()
                                            && call.isPastEnd()
                                            && image.result().endsWith("throws IOException ENOSPC")
                                            && isLater(image) == call.operation().isAsync()),
                    new Difference<>(
                            "a write across the end is short",
                            "an image has a fixed size, and a file grows",
                            (call, plain, image) ->
                                    !call.operation().isRead()
                                            && call.isAcrossEnd()
                                            && isCount(image, call.size() - call.position())
                                            && isCount(plain, call.length())),
                    new Difference<>(
                            "a read whose last byte has no position that is a long gives -1",
                            "it is past the end as any other; Linux answers EINVAL",
                            (call, plain, image) ->
                                    call.operation().isRead()
                                            && call.overflows()
                                            && isCount(image, -1)
                                            && plain.result()
                                                    .endsWith(
                                                            "throws IOException Invalid argument")),
                    new Difference<>(
                            "asynchronous operations on a buffer that the caller may not touch"
                                    + " throw",
                            "a future of AsynchronousFileChannel never completes then",
                            (call, plain, image) ->
                                    call.operation().isAsync()
                                            && call.kind().isUnusable()
                                            && plain.result().startsWith("never, for ")
                                            && image.result()
                                                    .equals(
                                                            call.kind()
                                                                            == BufferKind
                                                                                    .OF_OTHER_THREAD
                                                                    ? "throws WrongThreadException"
                                                                    : "throws"
                                                                          + " IllegalStateException")),
                    new Difference<>(
                            "asynchronous operations on a buffer of the caller's confined arena"
                                    + " are done",
                            "a future of AsynchronousFileChannel never completes then",
                            (call, plain, image) ->
                                    call.operation().isAsync()
                                            && call.kind() == BufferKind.CONFINED
                                            && plain.result()
                                                    .equals("never, for WrongThreadException")
                                            && isLater(image)));

    static final List<Difference<LengthCall>> OF_LENGTHS =
            List.of(
                    new Difference<>(
                            "size stays as it is",
                            "an image has a fixed size; its logical end moves",
                            (call, plain, image) ->
                                    call.name().equals("size after truncation")
                                            && image.result().equals(Long.toString(call.size()))),
                    new Difference<>(
                            "a truncation to more than the size fails with ENOSPC",
                            "the range to the new length could not be made zeroes; a file ignores"
                                    + " it",
                            (call, plain, image) ->
                                    call.name().equals("truncate")
                                            && call.length() > call.size()
                                            && image.result().equals("throws IOException ENOSPC")),
                    new Difference<>(
                            "forceAsync does not wait, nor throw",
                            "AsynchronousFileChannel has only a call that waits",
                            (call, plain, image) ->
                                    call.name().equals("forceAsync")
                                            && image.result().equals("later " + plain.result())));

    static final List<Difference<List<OpenOption>>> OF_OPENS =
            List.of(
                    new Difference<>(
                            "without READ and WRITE it is opened for both",
                            "a virtual disk is opened to be written",
                            (call, plain, image) ->
                                    !call.contains(StandardOpenOption.READ)
                                            && !call.contains(StandardOpenOption.WRITE)
                                            && plain.result().equals("reads")
                                            && image.result().equals("reads writes")),
                    refused(
                            "APPEND is refused",
                            "the end of an image, where it would write, does not move",
                            StandardOpenOption.APPEND),
                    refused(
                            "DELETE_ON_CLOSE is refused",
                            "a mapping and its image are the administrator's, not the program's",
                            StandardOpenOption.DELETE_ON_CLOSE),
                    refused(
                            "NOFOLLOW_LINKS is refused",
                            "there are no links among images",
                            LinkOption.NOFOLLOW_LINKS),
                    refused(
                            "com.sun.nio.file.ExtendedOpenOption is refused",
                            "DIRECT speaks of a cache that an image does not have, the others of"
                                    + " Windows",
                            DIRECT));

    private Differences() {}

    private static OpenOption direct() {
        try {
            Class<?> type = Class.forName("com.sun.nio.file.ExtendedOpenOption");
            return (OpenOption) type.getField("DIRECT").get(null);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(e);
        }
    }

    /** A call that concerns the whole file. */
    record LengthCall(
            String name, List<OpenOption> options, boolean isClosed, long length, long size) {}

    private static Difference<List<OpenOption>> refused(
            String what, String reason, OpenOption... refused) {
        return new Difference<>(
                what,
                reason,
                (call, plain, image) ->
                        Arrays.stream(refused).anyMatch(call::contains)
                                && image.result().equals("throws UnsupportedOperationException"));
    }

    private static boolean isCount(Outcome outcome, long count) {
        return outcome.result().equals(Long.toString(count))
                || outcome.result().equals("later " + count);
    }

    private static boolean isLater(Outcome outcome) {
        return outcome.result().startsWith("later ");
    }
}
