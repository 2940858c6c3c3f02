package org.rbdwrapper.broker.map;

import org.rbdwrapper.broker.CallOrigin;
import org.rbdwrapper.broker.Lane;
import org.rbdwrapper.broker.Unexpected;
import org.rbdwrapper.broker.Workers;
import org.rbdwrapper.broker.store.ImageRef;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.ImageSpec;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.stream.Stream;

/**
 * Which image is behind which path. A change is in the journal before it is in the map, and in the
 * map before it is acknowledged.
 *
 * <pre>
 *   add ──▶ being added ──▶ mapped ──▶ leaving ──▶ gone        a worker writes the journal on each
 *                │                       │                     of the ways into and out of "mapped";
 *                └──▶ gone               └──▶ mapped           the second line: where that fails
 * </pre>
 *
 * <p>Owned by the conductor, which does not wait for the disk.
 */
public final class ImageMap {
    private final MapJournal journal;
    private final Workers workers;
    private final TreeMap<Integer, Mapping> byId = new TreeMap<>();
    private final Map<Integer, Mapping> beingAdded = new HashMap<>();

    /** With what waits until it is known whether they go. */
    private final Map<Integer, List<Runnable>> leaving = new HashMap<>();

    private final Map<String, Mapping> byName = new HashMap<>();
    private final Set<String> reservedNames = new HashSet<>();

    /**
     * What the journal holds is mapped.
     *
     * @param journal from now on the workers', one at a time.
     */
    public ImageMap(MapJournal journal, Workers workers) {
        this.journal = journal;
        this.workers = workers;
        journal.mappings().forEach(this::put);
    }

    public Collection<Mapping> mappings() {
        return byId.values();
    }

    /** With those that are being added. */
    public int size() {
        return byId.size() + beingAdded.size();
    }

    /**
     * The mapping of a path as clients give it, {@code /rbdw/NAME}.
     *
     * @throws ErrnoException ENOENT, with what its user can do.
     */
    public Mapping atPath(String path) throws ErrnoException {
        Mapping mapping = findByPath(path);
        if (mapping == null) {
            throw new ErrnoException(
                    Errno.ENOENT,
                    ImageSpec.quote(path) + " is not mapped: map it with rbdwrapper-adm map IMAGE");
        }
        return mapping;
    }

    /** Whether it has not been unmapped since it was found. */
    public boolean has(Mapping mapping) {
        return mapping.equals(byId.get(mapping.id()));
    }

    private Mapping findByPath(String path) {
        return path.startsWith(Mapping.ROOT)
                ? byName.get(path.substring(Mapping.ROOT.length()))
                : null;
    }

    /** Mappings of this image or snapshot, whatever it was called then; also one being added. */
    public List<Mapping> findByRef(ImageRef image) {
        return all().filter(mapping -> mapping.image().equals(image)).toList();
    }

    /** Mappings of an image or of any of its snapshots; also one that is being added. */
    public List<Mapping> findByImage(ImageRef image) {
        return all().filter(m -> isOf(image.head(), m.image().head())).toList();
    }

    private Stream<Mapping> all() {
        return Stream.concat(byId.values().stream(), beingAdded.values().stream());
    }

    /** Where of one only the name is known, that has to do. */
    private static boolean isOf(ImageRef image, ImageRef mapped) {
        if (image.isKnown() && mapped.isKnown()) {
            return image.equals(mapped);
        }
        return image.spec().equals(mapped.spec());
    }

    private List<Mapping> findBySpec(ImageSpec spec) {
        return byId.values().stream().filter(mapping -> mapping.spec().equals(spec)).toList();
    }

    /**
     * The mapping that a person means, by what its image was called when it was mapped.
     *
     * @param target a path or a spec.
     * @throws ErrnoException ENOENT, or EINVAL where a spec is mapped more than once or is none.
     */
    public Mapping find(String target) throws ErrnoException {
        if (target.startsWith("/")) {
            Mapping mapping = findByPath(target);
            if (mapping == null) {
                throw new ErrnoException(
                        Errno.ENOENT,
                        ImageSpec.quote(target) + " is not mapped: see rbdwrapper-adm showmapped");
            }
            return mapping;
        }
        List<Mapping> found;
        try {
            found = findBySpec(ImageSpec.parse(target));
        } catch (IllegalArgumentException e) {
            throw new ErrnoException(Errno.EINVAL, e.getMessage(), e);
        }
        return only(found, target);
    }

    /**
     * The one mapping that a person means, of those that were found.
     *
     * @throws ErrnoException ENOENT where there is none, EINVAL where there are several.
     */
    public static Mapping only(List<Mapping> found, String target) throws ErrnoException {
        if (found.isEmpty()) {
            throw new ErrnoException(
                    Errno.ENOENT,
                    "image " + target + " is not mapped: see rbdwrapper-adm showmapped");
        }
        if (found.size() > 1) {
            List<String> paths = found.stream().map(Mapping::path).toList();
            throw new ErrnoException(
                    Errno.EINVAL,
                    "image "
                            + target
                            + " is mapped more than once: give one of "
                            + String.join(", ", paths));
        }
        return found.getFirst();
    }

    /**
     * Takes a name while its image is being tried; {@link #unreserve} gives it back in any case.
     */
    public void reserve(String name) throws ErrnoException {
        if (byName.containsKey(name)) {
            throw new ErrnoException(
                    Errno.EEXIST,
                    Mapping.ROOT
                            + name
                            + " is mapped already (image "
                            + byName.get(name).spec()
                            + "): unmap it or give another name with --as");
        }
        if (!reservedNames.add(name)) {
            throw new ErrnoException(
                    Errno.EBUSY, Mapping.ROOT + name + " is being mapped by somebody else");
        }
    }

    public void unreserve(String name) {
        reservedNames.remove(name);
    }

    /** The smallest number that is free, as the kernel numbers its devices. */
    public int nextId() {
        int id = 0;
        while (byId.containsKey(id) || beingAdded.containsKey(id)) {
            id++;
        }
        return id;
    }

    /**
     * Adds one, of whose name, number and image no other can be added meanwhile.
     *
     * @param uid for whom.
     * @param onAdded called when it is durable and mapped.
     */
    public void add(Mapping mapping, int uid, Runnable onAdded, Consumer<ErrnoException> onFailed) {
        beingAdded.put(mapping.id(), mapping);
        workers.call(
                new CallOrigin(
                        Lane.JOURNAL, uid, "recording that " + mapping.path() + " is mapped"),
                () -> {
                    journal.appendMapped(mapping);
                    return mapping;
                },
                added -> {
                    beingAdded.remove(mapping.id());
                    put(mapping);
                    onAdded.run();
                },
                failure -> {
                    beingAdded.remove(mapping.id());
                    onFailed.accept(journalFailure("map " + mapping.spec(), failure));
                });
    }

    /**
     * Removes one that is mapped and not leaving.
     *
     * @param uid for whom.
     * @param onRemoved called when that is durable.
     */
    public void remove(
            Mapping mapping, int uid, Runnable onRemoved, Consumer<ErrnoException> onFailed) {
        leaving.put(mapping.id(), new ArrayList<>());
        workers.call(
                new CallOrigin(
                        Lane.JOURNAL, uid, "recording that " + mapping.path() + " is unmapped"),
                () -> {
                    journal.appendUnmapped(mapping.id());
                    return mapping;
                },
                removed -> {
                    byId.remove(mapping.id());
                    byName.remove(mapping.name());
                    settle(mapping, onRemoved);
                },
                failure ->
                        settle(
                                mapping,
                                () ->
                                        onFailed.accept(
                                                journalFailure(
                                                        "unmap " + mapping.path(), failure))));
    }

    private void settle(Mapping mapping, Runnable listener) {
        List<Runnable> left = leaving.remove(mapping.id());
        List<Runnable> waiting = left == null ? List.of() : left; // where the listener has thrown
        try {
            listener.run();
        } finally {
            waiting.forEach(
                    then -> Unexpected.contain("what waited for the end of a mapping", then));
        }
    }

    /** Whether it is mapped still, and the journal may be about to say that it is not. */
    public boolean isLeaving(Mapping mapping) {
        return leaving.containsKey(mapping.id()) && has(mapping);
    }

    /** Of one that is leaving: runs it when it is known whether it goes. */
    public void whenSettled(Mapping mapping, Runnable then) {
        leaving.get(mapping.id()).add(then);
    }

    private void put(Mapping mapping) {
        byId.put(mapping.id(), mapping);
        byName.put(mapping.name(), mapping);
    }

    private static ErrnoException journalFailure(String what, ErrnoException e) {
        return new ErrnoException(
                e.errno(), what + ": the journal cannot be written (" + e.getMessage() + ")", e);
    }
}
