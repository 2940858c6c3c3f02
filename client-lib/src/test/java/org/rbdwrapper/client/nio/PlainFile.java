package org.rbdwrapper.client.nio;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.AsynchronousFileChannel;
import java.nio.channels.CompletionHandler;
import java.nio.channels.FileChannel;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.concurrent.AbstractExecutorService;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/**
 * A file in both of java.nio's channels. One operation at a time.
 *
 * <p>An asynchronous channel's thread that fails with anything but an IOException leaves the future
 * without an end: here that is found out, and the future fails with {@link Outcome.LostException}.
 */
final class PlainFile implements AutoCloseable {
    final FileChannel channel;
    final AsynchronousFileChannel asynchronous;
    private final Tasks tasks = new Tasks();

    PlainFile(Path path, OpenOption... options) throws IOException {
        channel = FileChannel.open(path, options);
        asynchronous = AsynchronousFileChannel.open(path, Set.of(options), tasks);
    }

    CompletableFuture<Integer> readAsync(ByteBuffer destination, long position) {
        tasks.current = new Result();
        asynchronous.read(destination, position, null, tasks.current);
        return tasks.current;
    }

    CompletableFuture<Integer> writeAsync(ByteBuffer source, long position) {
        tasks.current = new Result();
        asynchronous.write(source, position, null, tasks.current);
        return tasks.current;
    }

    @Override
    public void close() throws IOException {
        channel.close();
        asynchronous.close();
    }

    private static final class Result extends CompletableFuture<Integer>
            implements CompletionHandler<Integer, Void> {
        @Override
        public void completed(Integer result, Void attachment) {
            complete(result);
        }

        @Override
        public void failed(Throwable failure, Void attachment) {
            completeExceptionally(failure);
        }
    }

    /** A thread for each task. */
    private static final class Tasks extends AbstractExecutorService {
        volatile Result current;

        @Override
        public void execute(Runnable task) {
            Result result = current;
            Thread.ofPlatform().start(() -> run(task, result));
        }

        private static void run(Runnable task, Result result) {
            try {
                task.run();
            } catch (RuntimeException | Error e) {
                result.completeExceptionally(new Outcome.LostException(e));
            }
        }

        @Override
        public void shutdown() {}

        @Override
        public List<Runnable> shutdownNow() {
            return List.of();
        }

        @Override
        public boolean isShutdown() {
            return false;
        }

        @Override
        public boolean isTerminated() {
            return false;
        }

        @Override
        public boolean awaitTermination(long timeout, TimeUnit unit) {
            return true;
        }
    }
}
