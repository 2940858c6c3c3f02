package org.rbdwrapper.adm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.rbdwrapper.adm.Outcome.assertFailure;
import static org.rbdwrapper.adm.Outcome.ok;

import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.rbdwrapper.client.RbdFile;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.IoErrors;
import org.rbdwrapper.ipc.ProtocolVersion;
import org.rbdwrapper.ipc.RunDirectories;
import org.rbdwrapper.ipc.codec.ErrorDecoder;
import org.rbdwrapper.ipc.codec.HelloEncoder;
import org.rbdwrapper.ipc.codec.MessageHeaderDecoder;
import org.rbdwrapper.ipc.control.FrameBuffer;

import java.io.DataInputStream;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;

/** A client and a broker of different majors part, and both say which. */
final class ProtocolVersionSystemTest {
    private static final int OTHER_MAJOR = 99;

    private Installed rbdw;

    @BeforeEach
    void makeFolders() throws Exception {
        rbdw = new Installed();
    }

    @AfterEach
    void stopBroker() throws Exception {
        rbdw.close();
    }

    @Test
    void shouldRefuseClientOfOtherMajorAndNameBothVersions() throws Exception {
        ok(rbdw.broker("start"));
        try (SocketChannel socket = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            socket.connect(
                    UnixDomainSocketAddress.of(rbdw.runDir().resolve(RunDirectories.SOCKET_NAME)));
            socket.write(ByteBuffer.wrap(hello(OTHER_MAJOR)));
            DataInputStream answers = new DataInputStream(Channels.newInputStream(socket));
            byte[] answer = answers.readNBytes(Integer.reverseBytes(answers.readInt()));
            ErrorDecoder error = new ErrorDecoder();
            error.wrapAndApplyHeader(new UnsafeBuffer(answer), 0, new MessageHeaderDecoder());
            assertEquals(0, error.correlationId());
            assertEquals(Errno.EPROTONOSUPPORT.number(), error.errno());
            String text = error.text();
            assertTrue(text.contains("protocol " + OTHER_MAJOR + ".7"), text);
            assertTrue(text.contains(ProtocolVersion.MAJOR + "." + ProtocolVersion.MINOR), text);
            assertTrue(text.contains("9.9-test"), text);
            assertEquals(1, text.lines().count(), text);
            assertEquals(-1, answers.read(), "the broker hangs up");
        }
        assertEquals("[]\n", ok(rbdw.adm("clients", "--format", "json")));
    }

    @Test
    void shouldTellUserOfBrokerOfOtherMajor() throws Exception {
        Files.createDirectory(rbdw.runDir());
        String text = "the client speaks protocol 1.0, the broker 99.7: install the same release";
        try (RefusingBroker broker =
                new RefusingBroker(rbdw.runDir(), Errno.EPROTONOSUPPORT, text)) {
            assertFailure(1, rbdw.adm("showmapped"), text, "EPROTONOSUPPORT");
            assertFailure(1, rbdw.adm("map", "img"), text, "EPROTONOSUPPORT");
            // a broker runs, but what it does cannot be known
            Installed.Result status = rbdw.broker("status");
            assertNotEquals(0, status.code());
            assertNotEquals(3, status.code());
            assertFailure(1, status, text, "EPROTONOSUPPORT");
            IOException failure =
                    assertThrows(
                            IOException.class, () -> RbdFile.openAt(rbdw.runDir(), "/rbdw/img"));
            assertEquals(Errno.EPROTONOSUPPORT, IoErrors.errno(failure));
            assertEquals(4, broker.refused());
        }
    }

    private static byte[] hello(int major) {
        FrameBuffer frame = new FrameBuffer();
        HelloEncoder message = new HelloEncoder();
        message.wrapAndApplyHeader(frame.buffer(), FrameBuffer.MESSAGE_OFFSET, frame.header())
                .protocolMajor(major)
                .protocolMinor(7)
                .channels(1)
                .depth(64)
                .arenaLength(65536)
                .program("test")
                .release("9.9-test");
        return frame.finish(message.encodedLength()).toBytes();
    }
}
