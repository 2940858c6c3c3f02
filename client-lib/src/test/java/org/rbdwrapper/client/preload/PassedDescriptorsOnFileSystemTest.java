package org.rbdwrapper.client.preload;

/** {@link PassedDescriptorsContract} on the file store. */
final class PassedDescriptorsOnFileSystemTest extends PassedDescriptorsContract {
    @Override
    protected String store() {
        return "file";
    }
}
