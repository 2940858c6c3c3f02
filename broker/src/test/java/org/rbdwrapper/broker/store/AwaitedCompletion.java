package org.rbdwrapper.broker.store;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;

/** One request's completion, for tests that wait for it. */
public final class AwaitedCompletion implements IoCompletion {
    /** A result that no store gives. */
    private static final long WHOLLY_DONE = Long.MIN_VALUE;

    private final CountDownLatch done = new CountDownLatch(1);
    private final AtomicInteger completions = new AtomicInteger();
    private final int id;
    private final long wholeResult;
    private volatile long result;

    private AwaitedCompletion(int id, long wholeResult) {
        this.id = id;
        this.wholeResult = wholeResult;
    }

    /**
     * @param wholeResult what a change that was wholly done answers.
     */
    public static AwaitedCompletion create(long wholeResult) {
        return CompletionRegistry.instance().register(id -> new AwaitedCompletion(id, wholeResult));
    }

    @Override
    public void onComplete(long newResult) {
        completions.incrementAndGet();
        result = newResult;
        done.countDown();
    }

    @Override
    public void onWhollyDone() {
        onComplete(WHOLLY_DONE);
    }

    @Override
    public int completionId() {
        return id;
    }

    public boolean isDone() {
        return done.getCount() == 0;
    }

    public long await() throws InterruptedException, TimeoutException {
        if (!done.await(1, TimeUnit.MINUTES)) {
            throw new TimeoutException("a request is not completed");
        }
        CompletionRegistry.instance().release(this);
        if (completions.get() != 1) {
            throw new AssertionError("completed " + completions.get() + " times");
        }
        return result == WHOLLY_DONE ? wholeResult : result;
    }
}
