package org.rbdwrapper.broker.store.ceph;

import com.ceph.rados.Rados;
import com.sun.jna.Pointer;

/**
 * rados-java's handle with its address. Held for as long as anything below it is used: its
 * finalizer shuts the cluster down.
 */
final class Cluster extends Rados {
    Cluster(String id) {
        super(id);
    }

    long address() {
        return Pointer.nativeValue(clusterPtr);
    }
}
