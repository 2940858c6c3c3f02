package org.rbdwrapper.adm;

import org.rbdwrapper.client.admin.BrokerAdmin;
import org.rbdwrapper.client.admin.ImageInfo;
import org.rbdwrapper.ipc.ImageSpec;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** {@code info SPEC [--format json]}, with the keys of {@code rbd info}. */
@Command(name = "info", description = "Shows an image.")
final class InfoCommand extends AdmCommand {
    /** Names of the feature bits of librbd's features.h, from bit 0. */
    private static final List<String> FEATURES =
            List.of(
                    "layering",
                    "striping",
                    "exclusive-lock",
                    "object-map",
                    "fast-diff",
                    "deep-flatten",
                    "journaling",
                    "data-pool",
                    "operations",
                    "migrating",
                    "non-primary",
                    "dirty-cache");

    @Parameters(paramLabel = "SPEC", description = "[pool/[namespace/]]image[@snap]")
    private String image;

    @Option(names = "--format", paramLabel = "FORMAT", description = "plain (default) or json")
    private InfoFormat format = InfoFormat.PLAIN;

    private enum InfoFormat {
        PLAIN,
        JSON
    }

    @Override
    void run(BrokerAdmin broker) throws Exception {
        ImageInfo info = broker.describe(image);
        long objects = (info.size() + info.objectSize() - 1) / info.objectSize();
        int order = Long.numberOfTrailingZeros(info.objectSize());
        if (format == InfoFormat.JSON) {
            Map<String, Object> fields = new LinkedHashMap<>();
            fields.put("name", ImageSpec.parse(info.spec()).image());
            fields.put("id", info.imageId());
            fields.put("size", info.size());
            fields.put("objects", objects);
            fields.put("order", order);
            fields.put("object_size", info.objectSize());
            fields.put("snapshot_count", info.snapshotCount());
            fields.put("block_name_prefix", info.blockNamePrefix());
            fields.put("features", features(info.features()));
            fields.put("create_timestamp", info.createdAt().toString());
            Format.printJson(out(), fields);
            return;
        }
        out().printf("rbd image '%s':%n", ImageSpec.parse(info.spec()).defaultName());
        out().printf("\tsize %s in %d objects%n", ByteSize.format(info.size()), objects);
        out().printf("\torder %d (%s objects)%n", order, ByteSize.format(info.objectSize()));
        out().printf("\tsnapshot_count: %d%n", info.snapshotCount());
        out().printf("\tid: %s%n", info.imageId());
        if (!info.blockNamePrefix().isEmpty()) {
            out().printf("\tblock_name_prefix: %s%n", info.blockNamePrefix());
            out().printf("\tfeatures: %s%n", String.join(", ", features(info.features())));
        }
        out().printf("\tcreate_timestamp: %s%n", info.createdAt());
    }

    private static List<String> features(long bits) {
        List<String> names = new ArrayList<>();
        for (int i = 0; i < FEATURES.size(); i++) {
            if ((bits & 1L << i) != 0) {
                names.add(FEATURES.get(i));
            }
        }
        return names;
    }
}
