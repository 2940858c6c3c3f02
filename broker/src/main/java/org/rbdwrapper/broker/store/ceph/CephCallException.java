package org.rbdwrapper.broker.store.ceph;

/** A call of librbd or librados that returned a negative error number. */
final class CephCallException extends Exception {
    private static final long serialVersionUID = 1L;

    private final int result;

    CephCallException(String call, int result) {
        super(call + " returned " + result);
        this.result = result;
    }

    int result() {
        return result;
    }

    static void check(int result, String call) throws CephCallException {
        if (result < 0) {
            throw new CephCallException(call, result);
        }
    }
}
