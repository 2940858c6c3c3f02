package org.rbdwrapper.client.admin;

import org.rbdwrapper.client.session.FirstBroker;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.RunDirectories;
import org.rbdwrapper.ipc.codec.ClientsDecoder;
import org.rbdwrapper.ipc.codec.CreateImageEncoder;
import org.rbdwrapper.ipc.codec.DescribeImageEncoder;
import org.rbdwrapper.ipc.codec.DoneDecoder;
import org.rbdwrapper.ipc.codec.ImageDescriptionDecoder;
import org.rbdwrapper.ipc.codec.ImageMappedDecoder;
import org.rbdwrapper.ipc.codec.ImagesDecoder;
import org.rbdwrapper.ipc.codec.ListClientsEncoder;
import org.rbdwrapper.ipc.codec.ListImagesEncoder;
import org.rbdwrapper.ipc.codec.ListMappingsEncoder;
import org.rbdwrapper.ipc.codec.MapImageEncoder;
import org.rbdwrapper.ipc.codec.MappingsDecoder;
import org.rbdwrapper.ipc.codec.RemoveImageEncoder;
import org.rbdwrapper.ipc.codec.ResizeImageEncoder;
import org.rbdwrapper.ipc.codec.UnmapImageEncoder;
import org.rbdwrapper.ipc.control.ControlConnection;
import org.rbdwrapper.ipc.control.ControlConnection.ProgressHandler;
import org.rbdwrapper.ipc.control.FrameBuffer;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/**
 * Administration of a broker: its images, its map, its clients. Every failure is an {@link
 * ErrnoException} with one line that says what failed, on which image.
 *
 * <p>Any thread; one request at a time.
 */
public final class BrokerAdmin implements AutoCloseable {
    private final ControlConnection control;

    private BrokerAdmin(ControlConnection control) {
        this.control = control;
    }

    /** Connects to the broker that the environment leads to. */
    public static BrokerAdmin connect(String program) throws ErrnoException {
        return connect(program, () -> {});
    }

    /**
     * Connects to the broker that the environment leads to; waits for the next one where that is
     * being replaced.
     *
     * @param onWaiting is called once, when that takes longer than a moment.
     */
    public static BrokerAdmin connect(String program, Runnable onWaiting) throws ErrnoException {
        return FirstBroker.await(
                RunDirectories.ofThisProcess().clientRunDirs(),
                () -> connect(program, ControlConnection.connectToAdminister()),
                onWaiting);
    }

    /** Begins an administrative session on this connection. */
    public static BrokerAdmin connect(String program, ControlConnection control)
            throws ErrnoException {
        try {
            control.hello(program, 0, 0, 0);
            return new BrokerAdmin(control);
        } catch (ErrnoException e) {
            control.close();
            throw e;
        }
    }

    /**
     * @param size bytes, a multiple of 512.
     */
    public void create(String spec, long size) throws ErrnoException {
        control.call(
                (frame, correlationId) -> {
                    CreateImageEncoder message = new CreateImageEncoder();
                    message.wrapAndApplyHeader(
                                    frame.buffer(), FrameBuffer.MESSAGE_OFFSET, frame.header())
                            .correlationId(correlationId)
                            .size(size)
                            .spec(spec);
                    return message.encodedLength();
                },
                DoneDecoder.TEMPLATE_ID,
                (message, header) -> message);
    }

    /**
     * Names of images, sorted.
     *
     * @param pool {@code pool[/namespace]}; empty for the default pool.
     */
    public List<String> list(String pool) throws ErrnoException {
        return control.call(
                (frame, correlationId) -> {
                    ListImagesEncoder message = new ListImagesEncoder();
                    message.wrapAndApplyHeader(
                                    frame.buffer(), FrameBuffer.MESSAGE_OFFSET, frame.header())
                            .correlationId(correlationId)
                            .pool(pool);
                    return message.encodedLength();
                },
                ImagesDecoder.TEMPLATE_ID,
                (message, header) -> {
                    List<String> names = new ArrayList<>();
                    for (ImagesDecoder.ImageDecoder image :
                            new ImagesDecoder().wrapAndApplyHeader(message, 0, header).image()) {
                        names.add(image.name());
                    }
                    return names;
                });
    }

    public ImageInfo describe(String spec) throws ErrnoException {
        return control.call(
                (frame, correlationId) -> {
                    DescribeImageEncoder message = new DescribeImageEncoder();
                    message.wrapAndApplyHeader(
                                    frame.buffer(), FrameBuffer.MESSAGE_OFFSET, frame.header())
                            .correlationId(correlationId)
                            .spec(spec);
                    return message.encodedLength();
                },
                ImageDescriptionDecoder.TEMPLATE_ID,
                (message, header) -> {
                    ImageDescriptionDecoder image =
                            new ImageDescriptionDecoder().wrapAndApplyHeader(message, 0, header);
                    return new ImageInfo(
                            image.size(),
                            image.objectSize(),
                            image.snapshotCount(),
                            image.features(),
                            time(image.createdAt()),
                            image.spec(),
                            image.imageId(),
                            image.blockNamePrefix());
                });
    }

    /**
     * @param size bytes, a multiple of 512.
     */
    public void resize(String spec, long size, boolean allowShrink, ProgressHandler progress)
            throws ErrnoException {
        control.call(
                (frame, correlationId) -> {
                    ResizeImageEncoder message = new ResizeImageEncoder();
                    message.wrapAndApplyHeader(
                                    frame.buffer(), FrameBuffer.MESSAGE_OFFSET, frame.header())
                            .correlationId(correlationId)
                            .size(size);
                    message.flags().clear().allowShrink(allowShrink);
                    message.spec(spec);
                    return message.encodedLength();
                },
                DoneDecoder.TEMPLATE_ID,
                (message, header) -> message,
                progress);
    }

    public void remove(String spec, ProgressHandler progress) throws ErrnoException {
        control.call(
                (frame, correlationId) -> {
                    RemoveImageEncoder message = new RemoveImageEncoder();
                    message.wrapAndApplyHeader(
                                    frame.buffer(), FrameBuffer.MESSAGE_OFFSET, frame.header())
                            .correlationId(correlationId)
                            .spec(spec);
                    return message.encodedLength();
                },
                DoneDecoder.TEMPLATE_ID,
                (message, header) -> message,
                progress);
    }

    /** Maps an image and returns its path. */
    public String map(MapRequest request) throws ErrnoException {
        return control.call(
                (frame, correlationId) -> {
                    MapImageEncoder message = new MapImageEncoder();
                    message.wrapAndApplyHeader(
                                    frame.buffer(), FrameBuffer.MESSAGE_OFFSET, frame.header())
                            .correlationId(correlationId);
                    message.flags().clear().readOnly(request.readOnly());
                    message.ownerUid(request.ownerUid().orElse(MapImageEncoder.ownerUidNullValue()))
                            .ownerGid(
                                    request.ownerGid().orElse(MapImageEncoder.ownerGidNullValue()))
                            .mode(request.mode())
                            .spec(request.spec())
                            .name(request.name())
                            .options(request.options());
                    return message.encodedLength();
                },
                ImageMappedDecoder.TEMPLATE_ID,
                (message, header) ->
                        new ImageMappedDecoder().wrapAndApplyHeader(message, 0, header).path());
    }

    /**
     * @param target a path or a spec.
     * @param force also while it is open: the opens end with ESHUTDOWN.
     */
    public void unmap(String target, boolean force) throws ErrnoException {
        control.call(
                (frame, correlationId) -> {
                    UnmapImageEncoder message = new UnmapImageEncoder();
                    message.wrapAndApplyHeader(
                                    frame.buffer(), FrameBuffer.MESSAGE_OFFSET, frame.header())
                            .correlationId(correlationId);
                    message.flags().clear().force(force);
                    message.target(target);
                    return message.encodedLength();
                },
                DoneDecoder.TEMPLATE_ID,
                (message, header) -> message);
    }

    /** What is mapped, by number. */
    public List<MappingInfo> mappings() throws ErrnoException {
        return control.call(
                (frame, correlationId) -> {
                    ListMappingsEncoder message = new ListMappingsEncoder();
                    message.wrapAndApplyHeader(
                                    frame.buffer(), FrameBuffer.MESSAGE_OFFSET, frame.header())
                            .correlationId(correlationId);
                    return message.encodedLength();
                },
                MappingsDecoder.TEMPLATE_ID,
                (message, header) -> {
                    List<MappingInfo> mappings = new ArrayList<>();
                    for (MappingsDecoder.MappingDecoder mapping :
                            new MappingsDecoder()
                                    .wrapAndApplyHeader(message, 0, header)
                                    .mapping()) {
                        mappings.add(
                                new MappingInfo(
                                        (int) mapping.mappingId(),
                                        mapping.ownerUid(),
                                        mapping.ownerGid(),
                                        mapping.mode(),
                                        mapping.flags().readOnly(),
                                        (int) mapping.opens(),
                                        time(mapping.mappedAt()),
                                        mapping.pool(),
                                        mapping.poolNamespace(),
                                        mapping.image(),
                                        mapping.snap(),
                                        mapping.path(),
                                        mapping.options()));
                    }
                    return mappings;
                });
    }

    /** Who is connected, this session included. */
    public List<ClientInfo> clients() throws ErrnoException {
        return control.call(
                (frame, correlationId) -> {
                    ListClientsEncoder message = new ListClientsEncoder();
                    message.wrapAndApplyHeader(
                                    frame.buffer(), FrameBuffer.MESSAGE_OFFSET, frame.header())
                            .correlationId(correlationId);
                    return message.encodedLength();
                },
                ClientsDecoder.TEMPLATE_ID,
                (message, header) -> {
                    List<ClientInfo> clients = new ArrayList<>();
                    for (ClientsDecoder.ClientDecoder client :
                            new ClientsDecoder().wrapAndApplyHeader(message, 0, header).client()) {
                        clients.add(
                                new ClientInfo(
                                        client.sessionId(),
                                        client.pid(),
                                        client.uid(),
                                        client.gid(),
                                        (int) client.opens(),
                                        client.inFlight(),
                                        client.messenger(),
                                        client.channels(),
                                        time(client.connectedAt()),
                                        client.requests(),
                                        client.program(),
                                        client.paths().lines().toList()));
                    }
                    return clients;
                });
    }

    @Override
    public void close() throws ErrnoException {
        control.close();
    }

    private static Instant time(long epochNanos) {
        return Instant.ofEpochSecond(epochNanos / 1_000_000_000L, epochNanos % 1_000_000_000L);
    }
}
