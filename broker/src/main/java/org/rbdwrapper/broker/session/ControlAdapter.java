package org.rbdwrapper.broker.session;

import org.agrona.concurrent.UnsafeBuffer;
import org.rbdwrapper.broker.Unexpected;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.codec.AttachOpenDecoder;
import org.rbdwrapper.ipc.codec.CloseImageDecoder;
import org.rbdwrapper.ipc.codec.CreateImageDecoder;
import org.rbdwrapper.ipc.codec.DescribeBrokerDecoder;
import org.rbdwrapper.ipc.codec.DescribeImageDecoder;
import org.rbdwrapper.ipc.codec.HelloDecoder;
import org.rbdwrapper.ipc.codec.KeepEndDecoder;
import org.rbdwrapper.ipc.codec.ListClientsDecoder;
import org.rbdwrapper.ipc.codec.ListImagesDecoder;
import org.rbdwrapper.ipc.codec.ListLimitsDecoder;
import org.rbdwrapper.ipc.codec.ListMappingsDecoder;
import org.rbdwrapper.ipc.codec.ListMessengersDecoder;
import org.rbdwrapper.ipc.codec.ListStallsDecoder;
import org.rbdwrapper.ipc.codec.MapImageDecoder;
import org.rbdwrapper.ipc.codec.MessageHeaderDecoder;
import org.rbdwrapper.ipc.codec.OpenImageDecoder;
import org.rbdwrapper.ipc.codec.OpenLockFileDecoder;
import org.rbdwrapper.ipc.codec.RemoveImageDecoder;
import org.rbdwrapper.ipc.codec.ReplayDoneDecoder;
import org.rbdwrapper.ipc.codec.ResizeImageDecoder;
import org.rbdwrapper.ipc.codec.ResumeDecoder;
import org.rbdwrapper.ipc.codec.SetTimesDecoder;
import org.rbdwrapper.ipc.codec.ShareOpenDecoder;
import org.rbdwrapper.ipc.codec.StatDecoder;
import org.rbdwrapper.ipc.codec.UnmapImageDecoder;
import org.rbdwrapper.ipc.codec.WatchChangesDecoder;
import org.rbdwrapper.ipc.posix.Fd;

/**
 * Decodes what a client sends on its socket and calls who handles it. The bytes are a private copy
 * of this process, and every access to them is bounds-checked: a message that lies about its
 * lengths ends in EPROTO. Conductor's thread.
 */
final class ControlAdapter {
    private final Conductor conductor;
    private final HelloHandler hello;
    private final OpenHandler opens;
    private final StatHandler stats;
    private final MapHandler maps;
    private final ImageHandler images;
    private final StatusHandler status;
    private final ReturnHandler returns;
    private final EndHandler ends;

    /** The answer that the message being handled waits for, where it is one that has one. */
    private Reply reply;

    private final MessageHeaderDecoder header = new MessageHeaderDecoder();
    private final HelloDecoder helloMessage = new HelloDecoder();
    private final ResumeDecoder resume = new ResumeDecoder();
    private final ReplayDoneDecoder replayDone = new ReplayDoneDecoder();
    private final OpenImageDecoder openImage = new OpenImageDecoder();
    private final ShareOpenDecoder shareOpen = new ShareOpenDecoder();
    private final AttachOpenDecoder attachOpen = new AttachOpenDecoder();
    private final CloseImageDecoder closeImage = new CloseImageDecoder();
    private final OpenLockFileDecoder openLockFile = new OpenLockFileDecoder();
    private final WatchChangesDecoder watchChanges = new WatchChangesDecoder();
    private final KeepEndDecoder keepEnd = new KeepEndDecoder();
    private final StatDecoder stat = new StatDecoder();
    private final SetTimesDecoder setTimes = new SetTimesDecoder();
    private final MapImageDecoder mapImage = new MapImageDecoder();
    private final UnmapImageDecoder unmapImage = new UnmapImageDecoder();
    private final ListMappingsDecoder listMappings = new ListMappingsDecoder();
    private final CreateImageDecoder createImage = new CreateImageDecoder();
    private final ListImagesDecoder listImages = new ListImagesDecoder();
    private final DescribeImageDecoder describeImage = new DescribeImageDecoder();
    private final ResizeImageDecoder resizeImage = new ResizeImageDecoder();
    private final RemoveImageDecoder removeImage = new RemoveImageDecoder();
    private final ListClientsDecoder listClients = new ListClientsDecoder();
    private final DescribeBrokerDecoder describeBroker = new DescribeBrokerDecoder();
    private final ListLimitsDecoder listLimits = new ListLimitsDecoder();
    private final ListMessengersDecoder listMessengers = new ListMessengersDecoder();
    private final ListStallsDecoder listStalls = new ListStallsDecoder();

    ControlAdapter(
            Conductor conductor,
            HelloHandler hello,
            OpenHandler opens,
            StatHandler stats,
            MapHandler maps,
            ImageHandler images,
            StatusHandler status,
            ReturnHandler returns,
            EndHandler ends) {
        this.conductor = conductor;
        this.hello = hello;
        this.opens = opens;
        this.stats = stats;
        this.maps = maps;
        this.images = images;
        this.status = status;
        this.returns = returns;
        this.ends = ends;
    }

    /**
     * @throws ErrnoException EPROTO: the session is to be ended.
     */
    void onMessage(Session session, UnsafeBuffer message) throws ErrnoException {
        header.wrap(message, 0);
        int template = header.templateId();
        if (header.schemaId() != MessageHeaderDecoder.SCHEMA_ID
                || session.isWelcome() == (template == HelloDecoder.TEMPLATE_ID)) {
            throw new ErrnoException(Errno.EPROTO, "message " + template + " is not expected here");
        }
        reply = null;
        try {
            dispatch(session, message, template);
        } catch (IndexOutOfBoundsException | IllegalArgumentException | IllegalStateException e) {
            dropReply(); // or the session, which ends, would be held for it for ever
            throw new ErrnoException(
                    Errno.EPROTO,
                    "message " + template + " is not well formed: " + e.getMessage(),
                    e);
        } catch (ErrnoException e) {
            dropReply();
            throw e;
        } catch (RuntimeException | Error e) {
            if (reply == null) {
                throw e;
            }
            Unexpected.log("message " + template, e);
            reply.fail(Unexpected.failure(e));
        }
    }

    private void dropReply() {
        if (reply != null) {
            reply.drop();
        }
    }

    private void dispatch(Session session, UnsafeBuffer message, int template)
            throws ErrnoException {
        switch (template) {
            case HelloDecoder.TEMPLATE_ID ->
                    hello.onHello(session, helloMessage.wrapAndApplyHeader(message, 0, header));
            case ResumeDecoder.TEMPLATE_ID -> {
                resume.wrapAndApplyHeader(message, 0, header);
                returns.onResume(
                        reply(session, resume.correlationId()),
                        resume.generation(),
                        resume.sessionId());
            }
            case ReplayDoneDecoder.TEMPLATE_ID -> {
                replayDone.wrapAndApplyHeader(message, 0, header);
                returns.onReplayDone(reply(session, replayDone.correlationId()));
            }
            case OpenImageDecoder.TEMPLATE_ID -> {
                openImage.wrapAndApplyHeader(message, 0, header);
                Reply answer = reply(session, openImage.correlationId());
                boolean read = openImage.flags().read();
                boolean write = openImage.flags().write();
                opens.onOpen(answer, openImage.path(), read, write);
            }
            case ShareOpenDecoder.TEMPLATE_ID -> {
                shareOpen.wrapAndApplyHeader(message, 0, header);
                Reply reply = reply(session, shareOpen.correlationId());
                int handle = (int) shareOpen.handle();
                int partition = (int) shareOpen.partition();
                long base = shareOpen.start();
                long length = shareOpen.length();
                opens.onShare(
                        reply,
                        handle,
                        new FileDescription.Part(partition, base, length, shareOpen.path()));
            }
            case AttachOpenDecoder.TEMPLATE_ID -> {
                attachOpen.wrapAndApplyHeader(message, 0, header);
                attach(reply(session, attachOpen.correlationId()));
            }
            case CloseImageDecoder.TEMPLATE_ID -> {
                closeImage.wrapAndApplyHeader(message, 0, header);
                opens.onClose(
                        reply(session, closeImage.correlationId()), (int) closeImage.handle());
            }
            case WatchChangesDecoder.TEMPLATE_ID -> {
                watchChanges.wrapAndApplyHeader(message, 0, header);
                stats.onWatchChanges(
                        reply(session, watchChanges.correlationId()), (int) watchChanges.handle());
            }
            case KeepEndDecoder.TEMPLATE_ID -> {
                keepEnd.wrapAndApplyHeader(message, 0, header);
                ends.onKeepEnd(
                        reply(session, keepEnd.correlationId()),
                        (int) keepEnd.handle(),
                        keepEnd.begin(),
                        keepEnd.length(),
                        keepEnd.end());
            }
            case OpenLockFileDecoder.TEMPLATE_ID -> {
                openLockFile.wrapAndApplyHeader(message, 0, header);
                stats.onOpenLockFile(
                        reply(session, openLockFile.correlationId()), (int) openLockFile.handle());
            }
            case StatDecoder.TEMPLATE_ID -> {
                stat.wrapAndApplyHeader(message, 0, header);
                Reply answer = reply(session, stat.correlationId());
                if (stat.handle() == StatDecoder.handleNullValue()) {
                    stats.onStatPath(answer, stat.path());
                } else {
                    stats.onStatHandle(answer, (int) stat.handle());
                }
            }
            case SetTimesDecoder.TEMPLATE_ID -> {
                setTimes.wrapAndApplyHeader(message, 0, header);
                Reply reply = reply(session, setTimes.correlationId());
                long handle = setTimes.handle();
                long accessed = setTimes.accessed();
                long modified = setTimes.modified();
                if (handle == SetTimesDecoder.handleNullValue()) {
                    stats.onSetTimesOfPath(reply, setTimes.path(), accessed, modified);
                } else {
                    stats.onSetTimesOfHandle(reply, (int) handle, accessed, modified);
                }
            }
            case MapImageDecoder.TEMPLATE_ID ->
                    maps.onMap(
                            reply(
                                    session,
                                    mapImage.wrapAndApplyHeader(message, 0, header)
                                            .correlationId()),
                            mapImage);
            case UnmapImageDecoder.TEMPLATE_ID -> {
                unmapImage.wrapAndApplyHeader(message, 0, header);
                Reply answer = reply(session, unmapImage.correlationId());
                boolean force = unmapImage.flags().force();
                maps.onUnmap(answer, unmapImage.target(), force);
            }
            case ListMappingsDecoder.TEMPLATE_ID ->
                    maps.onList(
                            reply(
                                    session,
                                    listMappings
                                            .wrapAndApplyHeader(message, 0, header)
                                            .correlationId()));
            case CreateImageDecoder.TEMPLATE_ID -> {
                createImage.wrapAndApplyHeader(message, 0, header);
                Reply answer = reply(session, createImage.correlationId());
                images.onCreate(answer, createImage.size(), createImage.spec());
            }
            case ListImagesDecoder.TEMPLATE_ID -> {
                listImages.wrapAndApplyHeader(message, 0, header);
                images.onList(reply(session, listImages.correlationId()), listImages.pool());
            }
            case DescribeImageDecoder.TEMPLATE_ID -> {
                describeImage.wrapAndApplyHeader(message, 0, header);
                images.onDescribe(
                        reply(session, describeImage.correlationId()), describeImage.spec());
            }
            case ResizeImageDecoder.TEMPLATE_ID -> {
                resizeImage.wrapAndApplyHeader(message, 0, header);
                Reply answer = reply(session, resizeImage.correlationId());
                boolean allowShrink = resizeImage.flags().allowShrink();
                images.onResize(answer, resizeImage.size(), allowShrink, resizeImage.spec());
            }
            case RemoveImageDecoder.TEMPLATE_ID -> {
                removeImage.wrapAndApplyHeader(message, 0, header);
                images.onRemove(reply(session, removeImage.correlationId()), removeImage.spec());
            }
            case ListClientsDecoder.TEMPLATE_ID ->
                    status.onListClients(
                            reply(
                                    session,
                                    listClients
                                            .wrapAndApplyHeader(message, 0, header)
                                            .correlationId()));
            case DescribeBrokerDecoder.TEMPLATE_ID ->
                    status.onDescribeBroker(
                            reply(
                                    session,
                                    describeBroker
                                            .wrapAndApplyHeader(message, 0, header)
                                            .correlationId()));
            case ListLimitsDecoder.TEMPLATE_ID ->
                    status.onListLimits(
                            reply(
                                    session,
                                    listLimits
                                            .wrapAndApplyHeader(message, 0, header)
                                            .correlationId()));
            case ListStallsDecoder.TEMPLATE_ID ->
                    status.onListStalls(
                            reply(
                                    session,
                                    listStalls
                                            .wrapAndApplyHeader(message, 0, header)
                                            .correlationId()));
            case ListMessengersDecoder.TEMPLATE_ID ->
                    status.onListMessengers(
                            reply(
                                    session,
                                    listMessengers
                                            .wrapAndApplyHeader(message, 0, header)
                                            .correlationId()));
            default ->
                    throw new ErrnoException(Errno.EPROTO, "message " + template + " is not known");
        }
    }

    private void attach(Reply reply) throws ErrnoException {
        int descriptor = reply.session().takeReceived();
        if (descriptor < 0) {
            reply.fail(
                    new ErrnoException(
                            Errno.EMFILE,
                            "the broker has no descriptor left to receive one, or none was sent"));
            return;
        }
        try {
            opens.onAttach(reply, descriptor);
        } finally {
            Fd.close(descriptor);
        }
    }

    private Reply reply(Session session, long correlationId) {
        reply = new Reply(conductor, session, correlationId);
        return reply;
    }
}
