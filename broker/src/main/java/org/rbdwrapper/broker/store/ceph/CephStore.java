package org.rbdwrapper.broker.store.ceph;

import org.rbdwrapper.broker.store.ImageStore;
import org.rbdwrapper.ipc.ErrnoException;

import java.nio.file.Path;
import java.util.Map;

public final class CephStore {
    public static ImageStore open(Path conf, String id, Map<String, String> options)
            throws ErrnoException {
        throw new UnsupportedOperationException();
    }
}
