package org.rbdwrapper.client;

import org.rbdwrapper.broker.store.ImageStore;
import org.rbdwrapper.broker.store.ImageTimes;
import org.rbdwrapper.broker.store.StoreConnection;
import org.rbdwrapper.broker.store.StoreImage;
import org.rbdwrapper.broker.testing.Proxies;
import org.rbdwrapper.ipc.ErrnoException;

import java.util.function.UnaryOperator;

/**
 * A store whose images are other ones that pass on to the store's own.
 *
 * @param wrap makes them.
 */
public record WrappedImagesStore(ImageStore store, UnaryOperator<StoreImage> wrap)
        implements ImageStore {
    @Override
    public String describe() {
        return store.describe();
    }

    @Override
    public StoreConnection connect(String name) throws ErrnoException {
        StoreConnection connection = store.connect(name);
        return Proxies.of(
                StoreConnection.class,
                (proxy, method, arguments) -> {
                    Object result = Proxies.pass(connection, method, arguments);
                    return result instanceof StoreImage image ? wrap.apply(image) : result;
                });
    }

    @Override
    public void close() {
        store.close();
    }

    /** An image that passes on all but requests. */
    public abstract static class WrappedImage implements StoreImage {
        protected final StoreImage image;

        protected WrappedImage(StoreImage image) {
            this.image = image;
        }

        @Override
        public final long size() {
            return image.size();
        }

        @Override
        public final int objectSize() {
            return image.objectSize();
        }

        @Override
        public final String imageId() {
            return image.imageId();
        }

        @Override
        public final ImageTimes times() {
            return image.times();
        }

        @Override
        public final void onChanged() {
            image.onChanged();
        }

        @Override
        public final void touch() {
            image.touch();
        }

        @Override
        public final void onRead() {
            image.onRead();
        }

        @Override
        public final void close() throws ErrnoException {
            image.close();
        }
    }
}
