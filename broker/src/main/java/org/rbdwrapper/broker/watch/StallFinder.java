package org.rbdwrapper.broker.watch;

import org.rbdwrapper.broker.LogLimiter;
import org.slf4j.Logger;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Finds what stays in one call for over a second, and says so in the log: one line when that is
 * found, with the stack of one thread, and one when it is over, however many are stuck at the same
 * place meanwhile.
 *
 * <p>Counts by a time of its own, which goes on by no more than {@link #EVERY_NANOS} from one look
 * to the next: where the whole process did not run, stopped by a signal or the collector, or
 * starved by its host, neither did this, and that is no call's fault. How long something has been
 * stuck is told by the host's time.
 *
 * <p>Watchdog's thread.
 */
final class StallFinder {
    static final long EVERY_NANOS = 250_000_000L;

    /** Longer than this in one call is told. */
    static final long LONG_NANOS = 1_000_000_000L;

    static final int STACK_DEPTH = 12;

    /** Of those lines that tell of a stall; each may be followed by the one that tells its end. */
    static final int LINES_A_MINUTE = 20;

    private final Logger log;
    private final LogLimiter limiter = new LogLimiter(LINES_A_MINUTE, 60_000_000_000L);
    private final Map<String, Stall> stalls = new LinkedHashMap<>();
    private long lastLook;
    private long time;

    /**
     * @param now of {@link System#nanoTime}, as everywhere here.
     */
    StallFinder(Logger log, long now) {
        this.log = log;
        this.lastLook = now;
    }

    /**
     * To be called every {@link #EVERY_NANOS} while something is in a call or was reported to be
     * stuck the last time.
     *
     * @return what is stuck now.
     */
    List<StallReport> look(Collection<? extends Watched> all, long now) {
        time += Math.clamp(now - lastLook, 0, EVERY_NANOS);
        lastLook = now;
        for (Stall stall : stalls.values()) {
            leaveThoseThatWentOn(stall);
        }
        for (Watched one : all) {
            look(one, now);
        }
        stalls.values().removeIf(stall -> isOver(stall, now));
        if (stalls.isEmpty()) {
            return List.of();
        }
        List<StallReport> reports = new ArrayList<>();
        for (Stall stall : stalls.values()) {
            if (!stall.isTold) {
                limiter.run(() -> tell(stall, now));
            }
            reports.add(stall.report());
        }
        return reports;
    }

    private static void leaveThoseThatWentOn(Stall stall) {
        for (Watched member : List.copyOf(stall.members)) {
            if (member.call() != member.seenCall) {
                stall.remove(member);
            }
        }
    }

    private void look(Watched one, long now) {
        long call = one.call();
        if (call != one.seenCall) {
            if (one.stall != null) {
                one.stall.remove(one);
            }
            one.seenCall = call;
            one.seenAt = time;
            one.beganAt = one.beganAt(now);
        } else if (call != TurnCounter.NONE
                && one.stall == null
                && time - one.seenAt > LONG_NANOS) {
            stalls.computeIfAbsent(one.place(), Stall::new).add(one);
        }
    }

    private boolean isOver(Stall stall, long now) {
        if (!stall.members.isEmpty()) {
            return false;
        }
        if (stall.isTold) {
            log.info(
                    "{}: what was stuck for {} s is over ({})",
                    stall.place,
                    seconds(stall.nanosUntil(now)),
                    stall.all() == 1 ? "one call" : stall.all() + " calls");
        }
        return true;
    }

    private void tell(Stall stall, long now) {
        Watched first = stall.members.getFirst();
        String stack = stack(first.thread());
        if (first.call() != first.seenCall) {
            return; // it has gone on, and that is the stack of something else
        }
        stall.isTold = true;
        int others = stall.members.size() - 1;
        log.warn(
                "{}{} in one call for {} s: {}: {}",
                first.thread().getName(),
                others == 0 ? " has been" : " and " + others + " more have been",
                seconds(stall.nanosUntil(now)),
                Stall.what(first),
                stack);
    }

    /** The innermost call first. */
    private static String stack(Thread thread) {
        StackTraceElement[] frames = thread.getStackTrace();
        StringBuilder line = new StringBuilder();
        for (int i = 0; i < Math.min(frames.length, STACK_DEPTH); i++) {
            String type = frames[i].getClassName();
            line.append(i == 0 ? "at " : " < ")
                    .append(type, type.lastIndexOf('.') + 1, type.length())
                    .append('.')
                    .append(frames[i].getMethodName());
            if (frames[i].getLineNumber() > 0) {
                line.append(':').append(frames[i].getLineNumber());
            }
        }
        return frames.length > STACK_DEPTH ? line.append(" < ...").toString() : line.toString();
    }

    private static String seconds(long nanos) {
        return String.format(Locale.ROOT, "%.1f", nanos / 1e9);
    }
}
