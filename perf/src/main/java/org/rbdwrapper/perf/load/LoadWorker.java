package org.rbdwrapper.perf.load;

import com.google.gson.Gson;

import org.rbdwrapper.client.RbdFile;
import org.rbdwrapper.client.admin.BrokerAdmin;
import org.rbdwrapper.client.admin.MapRequest;
import org.rbdwrapper.perf.measure.Sample;
import org.rbdwrapper.perf.measure.Timeline;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;

/**
 * The process that is a broker's client: takes commands from stdin, one a line, and answers each by
 * one line, {@code ok TEXT} or {@code error TEXT}. Ends with its stdin, so that it outlives nobody.
 */
final class LoadWorker {
    private static final int FILL_LENGTH = 1 << 20;

    private final Map<String, RbdFile> files = new HashMap<>();

    private LoadWorker() {}

    public static void main(String[] args) throws IOException {
        LoadWorker worker = new LoadWorker();
        BufferedReader commands =
                new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        String line;
        while ((line = commands.readLine()) != null) {
            String answer;
            try {
                answer = "ok " + worker.perform(line.split(" ", -1));
            } catch (Exception e) {
                e.printStackTrace();
                answer = "error " + e;
            }
            System.out.println(answer.replace('\n', ' '));
            System.out.flush();
        }
        for (RbdFile file : worker.files.values()) {
            file.close();
        }
    }

    private String perform(String[] words) throws Exception {
        return switch (words[0]) {
            case "create" -> {
                try (BrokerAdmin admin = BrokerAdmin.connect("compare")) {
                    admin.create(words[1], Long.parseLong(words[2]));
                }
                yield "";
            }
            case "map" -> {
                try (BrokerAdmin admin = BrokerAdmin.connect("compare")) {
                    yield admin.map(MapRequest.of(words[1]));
                }
            }
            case "unmap" -> {
                try (BrokerAdmin admin = BrokerAdmin.connect("compare")) {
                    admin.unmap(words[1], false);
                }
                yield "";
            }
            case "fill" -> {
                fill(open(words[1]));
                yield "";
            }
            case "close" -> {
                RbdFile file = files.remove(words[1]);
                if (file != null) {
                    file.close();
                }
                yield "";
            }
            case "load" -> new Gson().toJson(load(words));
            default -> throw new IllegalArgumentException("unknown command " + words[0]);
        };
    }

    /** load PATH RW BLOCK DEPTH THREADS RAMP SECONDS. */
    private Sample load(String[] words) throws Exception {
        int depth = Integer.parseInt(words[4]);
        Job job = new Job(words[0], words[2], Integer.parseInt(words[3]), depth, 1);
        Timeline timeline =
                new Timeline(Double.parseDouble(words[6]), Double.parseDouble(words[7]));
        FileLoad load = new FileLoad(open(words[1]), job);
        return depth == 1 ? load.sync(Integer.parseInt(words[5]), timeline) : load.async(timeline);
    }

    private RbdFile open(String path) throws IOException {
        RbdFile file = files.get(path);
        if (file == null) {
            file = RbdFile.open(path);
            files.put(path, file);
        }
        return file;
    }

    /** No word of it is zero. */
    private static void fill(RbdFile file) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocateDirect(FILL_LENGTH);
        long size = file.size();
        for (long position = 0; position < size; position += buffer.limit()) {
            buffer.clear().limit((int) Math.min(FILL_LENGTH, size - position));
            for (int i = 0; i < buffer.limit(); i += Long.BYTES) {
                buffer.putLong(i, position + i + 1);
            }
            file.write(buffer, position);
        }
        file.force();
    }
}
