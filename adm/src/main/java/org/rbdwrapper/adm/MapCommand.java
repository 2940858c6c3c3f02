package org.rbdwrapper.adm;

import org.rbdwrapper.client.admin.BrokerAdmin;
import org.rbdwrapper.client.admin.MapRequest;
import org.rbdwrapper.ipc.Errno;
import org.rbdwrapper.ipc.ErrnoException;
import org.rbdwrapper.ipc.ImageSpec;
import org.rbdwrapper.ipc.posix.UserNames;

import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;

/** {@code map SPEC}: prints the path. */
@Command(
        name = "map",
        description =
                "Maps an image or a snapshot to a path under /rbdw, and prints the path. It"
                        + " survives the broker.")
final class MapCommand extends AdmCommand {
    @Spec private CommandSpec spec;

    @Parameters(paramLabel = "SPEC", description = "[pool/[namespace/]]image[@snap]")
    private String image;

    @Option(
            names = "--as",
            paramLabel = "NAME",
            description = "Path /rbdw/NAME (default: image[@snap])")
    private String name;

    @Option(names = "--read-only", description = "Nobody can open it for writing")
    private boolean readOnly;

    @Option(
            names = "--owner",
            paramLabel = "USER[:GROUP]",
            description = "Who may open it, by name or number (default: you)")
    private String owner;

    @Option(
            names = "--mode",
            paramLabel = "MODE",
            defaultValue = "0600",
            converter = OctalMode.class,
            description = "Permissions in octal, as of a file (default: 0600)")
    private int mode;

    @Option(
            names = "-o",
            paramLabel = "KEY=VALUE",
            split = ",",
            description =
                    "messengers=per-client or messengers=per-image: instead of the broker's policy;"
                            + " cache=writeback: with librbd's cache, which a flush empties;"
                            + " io-timeout=SECONDS: as --io-timeout")
    private List<String> options = List.of();

    @Option(
            names = "--io-timeout",
            paramLabel = "SECONDS",
            description =
                    "I/O that the cluster does not answer for so long fails with ETIMEDOUT, 1 to"
                            + " 3600 (default: it waits, as on a disk)")
    private String ioTimeout;

    /** 0 to 0777. */
    static final class OctalMode implements ITypeConverter<Integer> {
        @Override
        public Integer convert(String text) {
            if (!text.matches("0?[0-7]{1,3}")) {
                throw new TypeConversionException(
                        "'" + text + "' is no mode: give octal digits, such as 0660");
            }
            return Integer.parseInt(text, 8);
        }
    }

    @Override
    void run(BrokerAdmin broker) throws Exception {
        // in the protocol an empty name is the default: a script whose variable is unset meant none
        if (name != null && name.isEmpty()) {
            throw new ErrnoException(
                    Errno.EINVAL,
                    "map " + ImageSpec.quote(image) + ": the name '' of --as is empty");
        }
        OptionalLong uid = OptionalLong.empty();
        OptionalLong gid = OptionalLong.empty();
        if (owner != null) {
            String[] parts = owner.split(":", 2);
            uid = id("user", parts[0], UserNames.uid(parts[0]));
            // as chown does: USER: means the user's own group, which only the name tells
            if (parts.length > 1) {
                gid = id("group", parts[1], UserNames.gid(parts[1]));
            }
        }
        out().println(
                        broker.map(
                                new MapRequest(
                                        image,
                                        name != null ? name : "",
                                        readOnly,
                                        uid,
                                        gid,
                                        mode,
                                        String.join(",", allOptions()))));
    }

    private List<String> allOptions() {
        List<String> all = new ArrayList<>(options);
        if (ioTimeout != null) {
            all.add("io-timeout=" + ioTimeout);
        }
        return all;
    }

    private OptionalLong id(String what, String text, OptionalLong found) {
        if (found.isEmpty()) {
            throw new ParameterException(
                    spec.commandLine(), "--owner: there is no " + what + " '" + text + "'");
        }
        return found;
    }
}
