package org.rbdwrapper.adm.doctor;

import net.fornwall.jelf.ElfDynamicSection;
import net.fornwall.jelf.ElfDynamicSection.ElfDynamicStructure;
import net.fornwall.jelf.ElfFile;
import net.fornwall.jelf.ElfSegment;
import net.fornwall.jelf.ElfStringTable;
import net.fornwall.jelf.ElfSymbol;
import net.fornwall.jelf.ElfSymbolTableSection;

import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * What an ELF file says of itself.
 *
 * @param interpreter the loader that the program asks for.
 * @param needed names of libraries, as they stand there.
 * @param rpath folders of DT_RPATH, with their {@code $ORIGIN}.
 * @param runpath folders of DT_RUNPATH, likewise.
 * @param imports functions and data that others define.
 * @param exports functions and data that others may use.
 * @param go built by the Go compiler.
 */
record ElfObject(
        Path path,
        Type type,
        Machine machine,
        Optional<String> interpreter,
        List<String> needed,
        List<String> rpath,
        List<String> runpath,
        Set<String> imports,
        Set<String> exports,
        boolean go) {
    private static final int DF_1_PIE = 0x0800_0000;
    private static final int SHN_UNDEF = 0;

    /** What kind of file it is; a program that is no PIE is EXECUTABLE, too. */
    enum Type {
        EXECUTABLE("program"),
        LIBRARY("shared library"),
        OBJECT("object file"),
        OTHER("core dump or the like");

        final String text;

        Type(String text) {
            this.text = text;
        }
    }

    /** Two files go together where these are equal. */
    record Machine(int number, int bits, boolean littleEndian) {
        private static final Map<Integer, String> NAMES =
                Map.of(
                        3,
                        "i386",
                        20,
                        "ppc",
                        21,
                        "ppc64",
                        22,
                        "s390",
                        40,
                        "arm",
                        62,
                        "x86_64",
                        183,
                        "aarch64",
                        243,
                        "riscv",
                        258,
                        "loongarch");

        @Override
        public String toString() {
            return NAMES.getOrDefault(number, "machine " + number) + ", " + bits + " bit";
        }
    }

    /**
     * @throws ErrnoException ENOEXEC where the file is damaged.
     */
    static ElfObject read(Path path) throws IOException {
        try {
            return of(path, ElfFile.from(path));
        } catch (RuntimeException e) {
            // the parser has one for each kind of damage
            throw new ErrnoException(Errno.of(8), path + " is a damaged ELF file", e);
        }
    }

    private static ElfObject of(Path path, ElfFile file) {
        Optional<String> interpreter =
                Optional.ofNullable(file.firstSegmentByType(ElfSegment.PT_INTERP))
                        .map(ElfSegment::getIntepreter);
        ElfDynamicSection dynamic = file.getDynamicSection();
        Set<String> imports = new HashSet<>();
        Set<String> exports = new HashSet<>();
        ElfSymbolTableSection symbols = file.getDynamicSymbolTableSection();
        if (symbols != null) {
            for (ElfSymbol symbol : symbols.symbols) {
                if (symbol.st_name != 0) {
                    (symbol.st_shndx == SHN_UNDEF ? imports : exports).add(symbol.getName());
                }
            }
        }
        return new ElfObject(
                path,
                type(file, dynamic, interpreter.isPresent()),
                new Machine(
                        Short.toUnsignedInt(file.e_machine),
                        file.is32Bits() ? 32 : 64,
                        file.ei_data == ElfFile.DATA_LSB),
                interpreter,
                dynamic == null ? List.of() : dynamic.getNeededLibraries(),
                folders(file, dynamic, ElfDynamicSection.DT_RPATH),
                folders(file, dynamic, ElfDynamicSection.DT_RUNPATH),
                imports,
                exports,
                file.firstSectionByName(".go.buildinfo") != null
                        || file.firstSectionByName(".note.go.buildid") != null);
    }

    private static Type type(ElfFile file, ElfDynamicSection dynamic, boolean hasInterpreter) {
        return switch (file.e_type) {
            case ElfFile.ET_EXEC -> Type.EXECUTABLE;
            case ElfFile.ET_DYN ->
                    hasInterpreter || (dynamic != null && (dynamic.getFlags1() & DF_1_PIE) != 0)
                            ? Type.EXECUTABLE
                            : Type.LIBRARY;
            case ElfFile.ET_REL -> Type.OBJECT;
            default -> Type.OTHER;
        };
    }

    private static List<String> folders(ElfFile file, ElfDynamicSection dynamic, long tag) {
        List<String> folders = new ArrayList<>();
        if (dynamic != null) {
            ElfStringTable strings = file.getDynamicStringTable();
            for (ElfDynamicStructure entry : dynamic.entries) {
                if (entry.d_tag == tag) {
                    folders.addAll(List.of(strings.get((int) entry.d_val_or_ptr).split(":")));
                }
            }
        }
        return folders;
    }

    /** Without its folder. */
    String name() {
        return path.getFileName().toString();
    }
}
