package org.rbdwrapper.client.nio;

import org.rbdwrapper.ipc.ErrnoException;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * What a call came to.
 *
 * @param result what it returned or threw.
 * @param position of its buffer afterwards; -1 without one.
 * @param limit likewise.
 */
record Outcome(String result, int position, int limit) {
    private static final String NEVER = "never";
    private static final int LIMIT_SECONDS = 60;

    /** A call that returns when it is done. */
    @FunctionalInterface
    interface Call {
        Object perform() throws Exception;
    }

    /** A call that does not wait. */
    @FunctionalInterface
    interface LaterCall {
        CompletableFuture<?> perform() throws Exception;
    }

    /** An exception that a channel's own thread got, so that nobody hears of the end. */
    static final class LostException extends Exception {
        private static final long serialVersionUID = 1L;

        LostException(Throwable cause) {
            super(cause);
        }
    }

    /** Whether it was not done, though a future was returned. */
    boolean isLost() {
        return result.startsWith(NEVER);
    }

    static Outcome of(Call call) {
        return of(null, call);
    }

    static Outcome of(ByteBuffer buffer, Call call) {
        String result;
        try {
            result = String.valueOf(call.perform());
        } catch (Exception e) {
            result = "throws " + name(e);
        }
        return after(result, buffer);
    }

    static Outcome ofLater(ByteBuffer buffer, LaterCall call) throws InterruptedException {
        CompletableFuture<?> later;
        try {
            later = call.perform();
        } catch (Exception e) {
            return after("throws " + name(e), buffer);
        }
        String result;
        try {
            result = "later " + later.get(LIMIT_SECONDS, TimeUnit.SECONDS);
        } catch (ExecutionException e) {
            result =
                    e.getCause() instanceof LostException lost
                            ? NEVER + ", for " + name(lost.getCause())
                            : "later throws " + name(e.getCause());
        } catch (TimeoutException e) {
            result = NEVER;
        }
        return after(result, buffer);
    }

    private static Outcome after(String result, ByteBuffer buffer) {
        return buffer == null
                ? new Outcome(result, -1, -1)
                : new Outcome(result, buffer.position(), buffer.limit());
    }

    private static String name(Throwable e) {
        if (e instanceof ErrnoException failure) {
            return "IOException " + failure.errno().symbol();
        }
        String name = e.getClass().getSimpleName();
        return e.getClass() == IOException.class ? name + " " + e.getMessage() : name;
    }
}
