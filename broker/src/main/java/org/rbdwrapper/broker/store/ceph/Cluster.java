package org.rbdwrapper.broker.store.ceph;

import com.ceph.rados.Rados;
import com.sun.jna.Pointer;

/**
 * rados-java's handle with its address. Held for as long as anything below it is used: its
 * finalizer shuts the cluster down.
 */
final class Cluster extends Rados {
    static {
        // names are UTF-8 in Ceph, whatever the locale that this process was started in
        System.setProperty("jna.encoding", "UTF-8");
    }

    Cluster(String id) {
        super(id);
    }

    /** Loads what rados-java needs, which fails by an {@link UnsatisfiedLinkError}. */
    static void load() {
        getVersion();
    }

    long address() {
        return Pointer.nativeValue(clusterPtr);
    }
}
