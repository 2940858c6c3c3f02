package org.rbdwrapper.broker.image;

import org.rbdwrapper.broker.messenger.Messenger;
import org.rbdwrapper.broker.messenger.RequestLedger;
import org.rbdwrapper.broker.store.ImageTuning;
import org.rbdwrapper.ipc.ErrnoException;

import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/**
 * Who wants an image opened, and what happens then; one of the consumers is called on the
 * conductor's thread.
 *
 * @param handle the number that the client will use.
 * @param uid of the client.
 * @param isWanted asked on any thread before the store is: false when the client has gone.
 * @param drainer the session's messenger: it drains the requests, and its connection is used where
 *     the policy allows.
 * @param ledger of the session.
 * @param perImage the image's own messenger is used, not the session's.
 * @param tuning the same for all who open the image.
 * @param onOpened where this throws, the open is taken back, and {@code onFailed} is called, too.
 */
public record OpenRequest(
        int handle,
        int uid,
        BooleanSupplier isWanted,
        boolean readable,
        boolean writable,
        Messenger drainer,
        RequestLedger ledger,
        boolean perImage,
        ImageTuning tuning,
        Consumer<ImageOpen> onOpened,
        Consumer<ErrnoException> onFailed) {
    void opened(ImageOpen open) {
        onOpened.accept(open);
    }

    void failed(ErrnoException failure) {
        onFailed.accept(failure);
    }
}
