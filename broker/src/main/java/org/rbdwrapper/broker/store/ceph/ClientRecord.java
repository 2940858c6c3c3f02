package org.rbdwrapper.broker.store.ceph;

import org.rbdwrapper.broker.ProcessStart;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A Ceph client, and the process that it belongs to.
 *
 * @param address as Ceph's blocklist has it: IP:0/NONCE.
 * @param pid in its process namespace.
 * @param startTime see {@link ProcessStart}.
 * @param pidNamespace as /proc/self/ns/pid names it.
 * @param boot the kernel's id of the host's boot.
 * @param folder device and inode of the folder that it was noted in: another in a copy of it.
 */
record ClientRecord(
        String address,
        long pid,
        String startTime,
        String pidNamespace,
        String boot,
        String folder) {
    private static final int WORDS = 6;

    /** Of this process. */
    static ClientRecord ofThisProcess(String address, Path folder) throws IOException {
        long pid = ProcessHandle.current().pid();
        return new ClientRecord(
                address,
                pid,
                ProcessStart.timeOf(pid),
                thisPidNamespace(),
                thisBoot(),
                identityOf(folder));
    }

    /**
     * Whether its process has certainly ended, while the host has not: nothing is known of
     * processes of another host, which a folder on a network file system may have been used by.
     * After a boot of this host nothing is left to be fenced: its connections ended with it.
     *
     * @param in the folder that it was found in, whose lock the caller holds. The lock alone tells
     *     that processes of another process namespace have ended; it tells nothing of those that
     *     are noted in a copied folder.
     */
    boolean isOfTheDead(Path in) throws IOException {
        return boot.equals(thisBoot())
                && folder.equals(identityOf(in))
                && !(pidNamespace.equals(thisPidNamespace())
                        && startTime.equals(ProcessStart.timeOf(pid)));
    }

    boolean isOfThisBoot() throws IOException {
        return boot.equals(thisBoot());
    }

    String toText() {
        return String.join(" ", address, Long.toString(pid), startTime, pidNamespace, boot, folder)
                + "\n";
    }

    /** Null where it is no such text: its writer was killed before anything used the client. */
    static ClientRecord parse(String text) {
        String[] words = text.strip().split(" ", -1);
        if (words.length != WORDS || !words[1].matches("[0-9]{1,18}")) {
            return null;
        }
        return new ClientRecord(
                words[0], Long.parseLong(words[1]), words[2], words[3], words[4], words[5]);
    }

    private static String thisBoot() throws IOException {
        return Files.readString(Path.of("/proc/sys/kernel/random/boot_id")).strip();
    }

    private static String thisPidNamespace() throws IOException {
        return Files.readSymbolicLink(Path.of("/proc/self/ns/pid")).toString();
    }

    private static String identityOf(Path folder) throws IOException {
        return Files.getAttribute(folder, "unix:dev")
                + ":"
                + Files.getAttribute(folder, "unix:ino");
    }
}
