package org.rbdwrapper.broker.testing;

import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassTransform;
import java.lang.classfile.CodeTransform;
import java.lang.classfile.constantpool.MemberRefEntry;
import java.lang.classfile.instruction.InvokeInstruction;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;
import java.util.function.Predicate;
import java.util.function.Supplier;

/**
 * Throws at one of the calls that some classes make, and only once: the first, the second and so
 * on, whatever their code is. For tests of what a class leaves behind when something is thrown in
 * the middle of it.
 *
 * <p>Any thread.
 */
public final class ThrownOnce {
    private static int left; // guarded by the class
    private static Supplier<Throwable> thrown; // guarded by the class; null: it was thrown

    private ThrownOnce() {}

    /**
     * @param call the first is 0.
     */
    public static synchronized void before(int call, Supplier<Throwable> what) {
        left = call;
        thrown = what;
    }

    /** Whether there were so many calls; none throws from now on. */
    public static synchronized boolean wasThrown() {
        boolean was = thrown == null;
        thrown = null;
        left = -1;
        return was;
    }

    /** A call: see {@link #loader}; also for what a test passes to the code under test. */
    public static void onCall() {
        Throwable now = next();
        if (now instanceof RuntimeException e) {
            throw e;
        } else if (now instanceof Error e) {
            throw e;
        }
    }

    private static synchronized Throwable next() {
        if (thrown == null || left-- > 0) {
            return null;
        }
        Throwable now = thrown.get();
        thrown = null;
        return now;
    }

    /**
     * Loads some classes anew, so that what they call of this project may throw.
     *
     * @param isAnew by name; these are loaded by it.
     * @param isTried of these, by name.
     * @param isLeftOut calls that do not throw.
     */
    public static ClassLoader loader(
            Predicate<String> isAnew,
            Predicate<String> isTried,
            Predicate<MemberRefEntry> isLeftOut) {
        return new Loader(isAnew, isTried, isLeftOut);
    }

    private static final class Loader extends ClassLoader {
        private final Predicate<String> isAnew;
        private final Predicate<String> isTried;
        private final Predicate<MemberRefEntry> isLeftOut;

        Loader(
                Predicate<String> isAnew,
                Predicate<String> isTried,
                Predicate<MemberRefEntry> isLeftOut) {
            super(ThrownOnce.class.getClassLoader());
            this.isAnew = isAnew;
            this.isTried = isTried;
            this.isLeftOut = isLeftOut;
        }

        @Override
        protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
            synchronized (getClassLoadingLock(name)) {
                Class<?> known = findLoadedClass(name);
                if (known != null) {
                    return known;
                }
                return isAnew.test(name) ? defineAnew(name) : super.loadClass(name, resolve);
            }
        }

        private Class<?> defineAnew(String name) throws ClassNotFoundException {
            byte[] bytes;
            try (var in = getResourceAsStream(name.replace('.', '/') + ".class")) {
                bytes = in.readAllBytes();
            } catch (java.io.IOException e) {
                throw new ClassNotFoundException(name, e);
            }
            byte[] defined = isTried.test(name) ? withCalls(bytes) : bytes;
            return defineClass(name, defined, 0, defined.length);
        }

        private boolean isTried(InvokeInstruction call) {
            return call.owner().asInternalName().startsWith("org/rbdwrapper/")
                    && !call.name().equalsString("<init>")
                    && !isLeftOut.test(call.method());
        }

        private byte[] withCalls(byte[] bytes) {
            ClassFile file = ClassFile.of();
            ClassDesc hook = ThrownOnce.class.describeConstable().orElseThrow();
            MethodTypeDesc nothing = MethodTypeDesc.of(ConstantDescs.CD_void);
            CodeTransform around =
                    (builder, element) -> {
                        boolean isTriedCall =
                                element instanceof InvokeInstruction call && isTried(call);
                        // what is closed cannot be closed again: that throws when it is done
                        boolean isClose =
                                element instanceof InvokeInstruction call
                                        && call.name().equalsString("close");
                        if (isTriedCall && !isClose) {
                            builder.invokestatic(hook, "onCall", nothing);
                        }
                        builder.with(element);
                        if (isTriedCall && isClose) {
                            builder.invokestatic(hook, "onCall", nothing);
                        }
                    };
            return file.transformClass(
                    file.parse(bytes), ClassTransform.transformingMethodBodies(around));
        }
    }
}
