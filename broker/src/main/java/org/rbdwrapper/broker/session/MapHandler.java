package org.rbdwrapper.broker.session;

import org.rbdwrapper.broker.Clock;
import org.rbdwrapper.broker.Lane;
import org.rbdwrapper.broker.Unexpected;
import org.rbdwrapper.broker.Workers;
import org.rbdwrapper.broker.map.ImageMap;
import org.rbdwrapper.broker.map.Mapping;
import org.rbdwrapper.broker.map.MappingName;
import org.rbdwrapper.broker.map.MappingOptions;
import org.rbdwrapper.broker.map.Permissions;
import org.rbdwrapper.broker.store.ImageRef;
import org.rbdwrapper.broker.store.ImageTuning;
import org.rbdwrapper.broker.store.StoreConnection;
import org.rbdwrapper.broker.store.StoreImage;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.ImageSpec;
import org.rbdwrapper.ipc.codec.MapImageDecoder;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;

/** Changes to the image map. Conductor's thread. */
final class MapHandler {
    private static final Logger LOG = LoggerFactory.getLogger(MapHandler.class);
    private static final int MAX_MODE = 0777;

    /** What one list of mappings can hold, with room to spare. */
    private static final int MAX_MAPPINGS = 10_000;

    /** Between looks whether those who come back are there. */
    private static final long PAUSE_NANOS = 100_000_000L;

    private final Conductor conductor;
    private final ImageMap map;
    private final OpenHandler opens;
    private final Permissions permissions;
    private final StoreConnection administration;
    private final ImageInquiries inquiries;
    private final Workers workers;
    private final ReturnGrace grace;
    private final DelayedTasks delayed;

    MapHandler(
            Conductor conductor,
            ImageMap map,
            OpenHandler opens,
            Permissions permissions,
            StoreConnection administration,
            ImageInquiries inquiries,
            Workers workers,
            ReturnGrace grace,
            DelayedTasks delayed) {
        this.conductor = conductor;
        this.map = map;
        this.opens = opens;
        this.permissions = permissions;
        this.administration = administration;
        this.inquiries = inquiries;
        this.workers = workers;
        this.grace = grace;
        this.delayed = delayed;
    }

    void onMap(Reply reply, MapImageDecoder message) {
        int uid = reply.session().peer.uid();
        boolean readOnly = message.flags().readOnly();
        int ownerUid =
                message.ownerUid() == MapImageDecoder.ownerUidNullValue()
                        ? uid
                        : (int) message.ownerUid();
        int ownerGid =
                message.ownerGid() == MapImageDecoder.ownerGidNullValue()
                        ? reply.session().peer.gid()
                        : (int) message.ownerGid();
        int mode = message.mode();
        String specText = message.spec();
        String wantedName = message.name();
        String options = message.options();
        ImageSpec spec;
        String name;
        MappingOptions parsed;
        try {
            checkMayAdminister(uid, "map " + ImageSpec.quote(specText));
            spec = parse(specText);
            name = wantedName.isEmpty() ? spec.defaultName() : wantedName;
            MappingName.check(name);
            parsed = MappingOptions.parse(options);
            if (mode > MAX_MODE) {
                throw new ErrnoException(
                        Errno.EINVAL,
                        String.format("mode %o cannot be given to a mapping: 0 to 777", mode));
            }
            if (map.size() >= MAX_MAPPINGS) {
                throw new ErrnoException(
                        Errno.ENOSPC,
                        "map " + spec + ": " + map.size() + " images are mapped already");
            }
            map.reserve(name);
        } catch (ErrnoException e) {
            reply.fail(e);
            return;
        }
        boolean mappedReadOnly = readOnly || spec.isSnapshot();
        workers.call(
                reply.origin(Lane.ofPool(spec.pool()), "mapping of image " + spec),
                () -> {
                    try (StoreImage image = administration.open(spec, true, parsed.tuning())) {
                        checkCache(spec, parsed, mappedReadOnly, image);
                        return new Tried(
                                new ImageRef(spec, image.imageId(), image.snapshotId()),
                                ImageFacts.of(image));
                    }
                },
                tried -> {
                    ImageRef image = tried.image();
                    checkSameTuning(image, parsed.tuning());
                    add(
                            reply,
                            tried.facts(),
                            new Mapping(
                                    map.nextId(),
                                    image,
                                    name,
                                    mappedReadOnly,
                                    ownerUid,
                                    ownerGid,
                                    mode,
                                    Clock.epochNanos(),
                                    options));
                },
                failure -> {
                    map.unreserve(name);
                    reply.fail(failure);
                });
    }

    /** An image that can be mapped. */
    private record Tried(ImageRef image, ImageFacts facts) {}

    /** Said now, and again at each opening: the image's settings may change. */
    private static void checkCache(
            ImageSpec spec, MappingOptions options, boolean readOnly, StoreImage image)
            throws ErrnoException {
        if (readOnly || !image.holdsWrites()) {
            return;
        }
        if (options.isCacheOff()) {
            throw MappingOptions.cached("map " + spec, image);
        }
        if (options.tuning().cached()) {
            return; // which is what was asked for
        }
        LOG.info(
                "image {} is cached: writes that are not flushed are lost if the broker dies, by"
                        + " {}",
                spec,
                image.heldWritesBy());
    }

    /** All who have an image open share its instances. */
    private void checkSameTuning(ImageRef image, ImageTuning tuning) throws ErrnoException {
        for (Mapping other : map.findByRef(image)) {
            ImageTuning otherTuning = MappingOptions.parse(other.options()).tuning();
            if (!otherTuning.equals(tuning)) {
                throw new ErrnoException(
                        Errno.EBUSY,
                        "map "
                                + image
                                + " with "
                                + tuning
                                + ": it is mapped at "
                                + other.path()
                                + " with "
                                + otherTuning
                                + ", unmap that first");
            }
        }
    }

    /** Not before the clients of the broker before are back: what they had under way is for it. */
    void onUnmap(Reply reply, String target, boolean force) {
        grace.whenOver(
                reply.guarded(
                        "an unmap",
                        () -> find(reply, target, mapping -> unmap(reply, mapping, force))));
    }

    /**
     * Finds what a person means by it. Where nothing was mapped by that name, it may be what an
     * image is called now that was mapped by another: the store knows.
     */
    private void find(Reply reply, String target, Consumer<Mapping> then) {
        Mapping mapping;
        ImageSpec spec = null;
        try {
            checkMayAdminister(reply.session().peer.uid(), "unmap " + ImageSpec.quote(target));
            spec = target.startsWith("/") ? null : parse(target);
            mapping = map.find(target);
        } catch (ErrnoException e) {
            if (spec != null && e.errno().equals(Errno.ENOENT)) {
                findRenamed(reply, spec, then, e);
            } else {
                reply.fail(e);
            }
            return;
        }
        then.accept(mapping);
    }

    private void findRenamed(
            Reply reply, ImageSpec spec, Consumer<Mapping> then, ErrnoException notMapped) {
        workers.call(
                reply.origin(Lane.ofPool(spec.pool()), "looking for image " + spec),
                () -> administration.identify(spec),
                image -> {
                    try {
                        then.accept(ImageMap.only(map.findByRef(image), spec.toString()));
                    } catch (ErrnoException e) {
                        reply.fail(e);
                    }
                },
                failure -> reply.fail(notMapped));
    }

    private void unmap(Reply reply, Mapping mapping, boolean force) {
        long now = System.nanoTime();
        unmap(reply, mapping, force, now, now);
    }

    /**
     * @param since when this could be done first, of {@link System#nanoTime}.
     */
    private void unmap(Reply reply, Mapping mapping, boolean force, long since, long now) {
        try {
            if (!map.has(mapping)) {
                throw new ErrnoException(Errno.ENOENT, mapping.path() + " is not mapped any more");
            }
            if (map.isLeaving(mapping)) { // somebody else unmaps it
                map.whenSettled(
                        mapping,
                        reply.guarded(
                                "an unmap",
                                () -> unmap(reply, mapping, force, since, System.nanoTime())));
                return;
            }
            if (!force && areUsersComingBack(mapping, since, now)) {
                delayed.add(
                        now,
                        PAUSE_NANOS,
                        reply.guarded(
                                "an unmap",
                                () -> {
                                    if (reply.session().isEnded()) {
                                        reply.drop(); // nobody wants it any more
                                    } else {
                                        unmap(reply, mapping, force, since, System.nanoTime());
                                    }
                                }));
                return;
            }
            if (!force) {
                checkUnused(mapping);
            }
        } catch (ErrnoException e) {
            reply.fail(e);
            return;
        }
        map.remove(
                mapping,
                reply.session().peer.uid(),
                reply.guarded("an unmap", () -> onRemoved(reply, mapping, force)),
                reply::fail);
    }

    /** From now on nobody can open it. */
    private void onRemoved(Reply reply, Mapping mapping, boolean force) {
        LOG.info(
                "unmapped {} (image {}){}",
                mapping.path(),
                mapping.spec(),
                force ? " by force" : "");
        Unexpected.contain("leaving a mapping", () -> opens.onUnmapped(mapping));
        if (map.findByRef(mapping.image()).isEmpty()) {
            inquiries.forget(mapping.image());
        }
        revokeAll(mapping, () -> opens.whenLeft(mapping, reply::done));
    }

    /**
     * Whether nobody has it open here, and those who had it open with the broker before have not
     * had the time to say that they have closed it.
     */
    private boolean areUsersComingBack(Mapping mapping, long since, long now) {
        boolean isOpen = false;
        boolean isExpected =
                grace.isTimeToComeBack(now)
                        && !grace.absentUsers(mapping.mappedAtNanos()).isEmpty();
        for (Session session : conductor.sessions()) {
            isOpen |= !session.opensOf(mapping).isEmpty();
            isExpected |= session.uses(mapping) && now - since < ReturnGrace.LIMIT_NANOS;
        }
        return isExpected && !isOpen;
    }

    private void checkUnused(Mapping mapping) throws ErrnoException {
        Set<String> users = new LinkedHashSet<>(); // a process may have several sessions
        conductor.sessions().stream()
                .filter(session -> session.uses(mapping))
                .map(Session::describe)
                .forEach(users::add);
        grace.absentUsers(mapping.mappedAtNanos()).stream()
                .map(user -> user + ", since before this broker")
                .forEach(users::add);
        for (FileDescription description : opens.descriptionsThrough(mapping)) {
            if (!users.contains(description.opener())) {
                users.add(description.opener() + ", or who has inherited a descriptor from it");
            }
        }
        if (!users.isEmpty()) {
            throw new ErrnoException(
                    Errno.EBUSY,
                    "unmap "
                            + mapping.path()
                            + ": in use by "
                            + String.join("; ", users)
                            + " (--force takes it from them)");
        }
    }

    void onList(Reply reply) {
        reply.send(ControlProxy.mappings(reply.correlationId(), map.mappings(), opens::openCount));
    }

    private void add(Reply reply, ImageFacts facts, Mapping mapping) {
        map.add(
                mapping,
                reply.session().peer.uid(),
                () -> {
                    map.unreserve(mapping.name());
                    inquiries.onKnown(mapping.image(), facts);
                    LOG.info(
                            "mapped {} at {} for {}",
                            mapping.spec(),
                            mapping.path(),
                            reply.session().describe());
                    reply.send(ControlProxy.imageMapped(reply.correlationId(), mapping));
                },
                failure -> {
                    map.unreserve(mapping.name());
                    reply.fail(failure);
                });
    }

    private void revokeAll(Mapping mapping, Runnable done) {
        int[] missing = {1};
        Runnable one =
                () -> {
                    if (--missing[0] == 0) {
                        done.run();
                    }
                };
        for (Session session : List.copyOf(conductor.sessions())) {
            for (Session.MappedOpen open : session.opensOf(mapping)) {
                missing[0]++;
                opens.revoke(session, open, one);
            }
        }
        one.run();
    }

    private void checkMayAdminister(int uid, String what) throws ErrnoException {
        if (!permissions.mayAdminister(uid)) {
            throw new ErrnoException(
                    Errno.EPERM, what + ": only root and the broker's own user may");
        }
    }

    static ImageSpec parse(String spec) throws ErrnoException {
        try {
            return ImageSpec.parse(spec);
        } catch (IllegalArgumentException e) {
            throw new ErrnoException(Errno.EINVAL, e.getMessage(), e);
        }
    }
}
