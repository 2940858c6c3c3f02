package org.rbdwrapper.client.hostile;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;
import org.rbdwrapper.broker.testing.TestBroker;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ProtocolVersion;
import org.rbdwrapper.ipc.RunDirectories;
import org.rbdwrapper.ipc.codec.ErrorDecoder;
import org.rbdwrapper.ipc.codec.HelloEncoder;
import org.rbdwrapper.ipc.codec.MessageHeaderDecoder;
import org.rbdwrapper.ipc.codec.WelcomeDecoder;
import org.rbdwrapper.ipc.control.BlockingFrames;
import org.rbdwrapper.ipc.control.FrameBuffer;
import org.rbdwrapper.ipc.posix.Fd;
import org.rbdwrapper.ipc.posix.UnixSocket;

/** Clients of other releases. */
final class VersionSystemTest {
    @Test
    void shouldPartFromOtherMajorAndNameBothVersions() throws Exception {
        try (TestBroker broker = TestBroker.start("memory")) {
            int socket = connect(broker);
            UnsafeBuffer answer = hello(socket, 99, 7);
            ErrorDecoder error =
                    new ErrorDecoder().wrapAndApplyHeader(answer, 0, new MessageHeaderDecoder());
            assertEquals(
                    ErrorDecoder.TEMPLATE_ID,
                    new MessageHeaderDecoder().wrap(answer, 0).templateId());
            assertEquals(Errno.EPROTONOSUPPORT.number(), error.errno());
            String text = error.text();
            assertTrue(text.contains("99.7"), text);
            assertTrue(text.contains(ProtocolVersion.MAJOR + "." + ProtocolVersion.MINOR), text);
            assertTrue(UnixSocket.awaitHangup(socket, 10_000));
            Fd.close(socket);
        }
    }

    @Test
    void shouldTalkToLaterMinor() throws Exception {
        try (TestBroker broker = TestBroker.start("memory")) {
            int socket = connect(broker);
            UnsafeBuffer answer = hello(socket, ProtocolVersion.MAJOR, ProtocolVersion.MINOR + 5);
            assertEquals(
                    WelcomeDecoder.TEMPLATE_ID,
                    new MessageHeaderDecoder().wrap(answer, 0).templateId());
            Fd.close(socket);
        }
    }

    private static int connect(TestBroker broker) throws Exception {
        return UnixSocket.connect(broker.runDir().resolve(RunDirectories.SOCKET_NAME).toString());
    }

    private static UnsafeBuffer hello(int socket, int major, int minor) throws Exception {
        FrameBuffer frame = new FrameBuffer();
        HelloEncoder hello = new HelloEncoder();
        hello.wrapAndApplyHeader(frame.buffer(), FrameBuffer.MESSAGE_OFFSET, frame.header())
                .protocolMajor(major)
                .protocolMinor(minor)
                .channels(0)
                .depth(0)
                .arenaLength(0)
                .program("later")
                .release("99.7.1");
        BlockingFrames frames = new BlockingFrames(socket);
        frames.send(frame.finish(hello.encodedLength()));
        return frames.receive();
    }
}
