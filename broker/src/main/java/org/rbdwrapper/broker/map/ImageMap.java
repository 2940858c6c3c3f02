package org.rbdwrapper.broker.map;

import org.rbdwrapper.broker.store.ImageRef;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.ImageSpec;

import java.io.IOException;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * Which image is behind which path. A change is in the journal before it is in the map, and in the
 * map before it is acknowledged. Owned by the conductor.
 */
public final class ImageMap {
    private final MapJournal journal;
    private final TreeMap<Integer, Mapping> byId = new TreeMap<>();
    private final Map<String, Mapping> byName = new HashMap<>();
    private final Set<String> reservedNames = new HashSet<>();

    /** What the journal holds is mapped. */
    public ImageMap(MapJournal journal) {
        this.journal = journal;
        journal.mappings().forEach(this::put);
    }

    public Collection<Mapping> mappings() {
        return byId.values();
    }

    public int size() {
        return byId.size();
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

    /** Mappings of this image or snapshot, whatever it was called then. */
    public List<Mapping> findByRef(ImageRef image) {
        return byId.values().stream().filter(mapping -> mapping.image().equals(image)).toList();
    }

    /** Mappings of an image or of any of its snapshots. */
    public List<Mapping> findByImage(ImageRef image) {
        return byId.values().stream().filter(m -> isOf(image.head(), m.image().head())).toList();
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
        while (byId.containsKey(id)) {
            id++;
        }
        return id;
    }

    /** Returns when it is durable. */
    public void add(Mapping mapping) throws ErrnoException {
        try {
            journal.appendMapped(mapping);
        } catch (IOException e) {
            throw journalFailure("map " + mapping.spec(), e);
        }
        put(mapping);
    }

    /** Returns when it is durable. */
    public void remove(Mapping mapping) throws ErrnoException {
        try {
            journal.appendUnmapped(mapping.id());
        } catch (IOException e) {
            throw journalFailure("unmap " + mapping.path(), e);
        }
        byId.remove(mapping.id());
        byName.remove(mapping.name());
    }

    private void put(Mapping mapping) {
        byId.put(mapping.id(), mapping);
        byName.put(mapping.name(), mapping);
    }

    private static ErrnoException journalFailure(String what, IOException e) {
        Errno errno = e instanceof ErrnoException known ? known.errno() : Errno.EIO;
        return new ErrnoException(
                errno, what + ": the journal cannot be written (" + e.getMessage() + ")", e);
    }
}
