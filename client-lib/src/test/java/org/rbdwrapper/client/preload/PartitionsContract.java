package org.rbdwrapper.client.preload;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.rbdwrapper.client.nativelib.NativeProgram;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;

/**
 * {@code /rbdw/NAME-partN}, by tables of both kinds that sfdisk has written through the library.
 */
abstract class PartitionsContract extends PreloadFixture {
    private static final int SECTOR = 512;

    /** The kernel shows no more of an extended partition. */
    private static final long EXTENDED_LENGTH = 1024;

    private static final String DOS =
            "label: dos\\n,8M\\n,4M,c\\n,34M,f\\n,2M\\n,6M\\n,8M\\n,10M\\n";
    private static final String GPT =
            "label: gpt\\n1: size=8M\\n3: size=8M\\n12: size=4M, name=x\\n100: size=1M\\n";

    private static final Pattern PARTITION =
            Pattern.compile(
                    "\"node\":\\s*\"[^\"]*?(\\d+)\",\\s*\"start\":\\s*(\\d+),\\s*\"size\":\\s*(\\d+),"
                        + "\\s*\"type\":\\s*\"([^\"]+)\"");

    /** Where a partition lies, in bytes. */
    private static final class Place {
        private final long base;
        private final long length;

        private Place(long base, long length) {
            this.base = base;
            this.length = length;
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {DOS, GPT, "label: gpt\\ntable-length: 16\\n,1M\\n,2M\\n,\\n"})
    void shouldShowPartitionsAsSfdiskDoes(String script) throws Exception {
        requires("sfdisk");
        String path = imageWithTable("table", script);
        byte[] bytes = bytesOf(path);
        Map<Integer, Place> places = placesBySfdisk(path);
        assertTrue(places.size() >= 3, places::toString);
        for (int number = 1; number <= 130; number++) {
            Place place = places.get(number);
            String part = path + "-part" + number;
            if (place == null) {
                if (number < 20) {
                    expectNone(part);
                }
                continue;
            }
            Path copy = temporary.resolve("part-" + number);
            var f = Map.of("P", part, "COPY", copy.toString());
            assertEquals(
                    place.length + " regular file\n",
                    shell(f, "stat -c '%s %F' $P && dd if=$P of=$COPY bs=300000 status=none")
                            .expectSuccess()
                            .text());
            assertArrayEquals(slice(bytes, place), Files.readAllBytes(copy), part);
        }
        remove(path);
    }

    @Test
    void shouldFormatLogicalPartitionsAndLeaveRestAlone() throws Exception {
        requires("sfdisk", "mkfs.ext4", "mkfs.vfat", "mcopy", "mtype", "e2fsck", "fsck.vfat");
        String path = imageWithTable("format", DOS);
        Map<Integer, Place> places = placesBySfdisk(path);
        byte[] before = bytesOf(path);
        Files.writeString(temporary.resolve("page"), "hello\n");
        Map<String, String> f = Map.of("F", path, "D", temporary.toString());
        shell(
                        f,
                        "mkfs.vfat ${F}-part5 && mcopy -i ${F}-part5 $D/page ::page && mkfs.ext4 -q"
                                + " -F ${F}-part6")
                .expectSuccess();
        byte[] after = bytesOf(path);
        Files.write(temporary.resolve("vfat"), slice(after, places.get(5)));
        Files.write(temporary.resolve("ext4"), slice(after, places.get(6)));
        Files.write(temporary.resolve("whole"), after);
        plainShell(f, "fsck.vfat -n $D/vfat && e2fsck -f -n $D/ext4").expectSuccess();
        assertEquals(
                "hello\n",
                plainShell(f, "mtype -i $D/whole@@" + places.get(5).base + " ::page")
                        .expectSuccess()
                        .text());
        // to the library the place in the whole image and the partition are the same bytes
        assertEquals(
                "hello\n",
                shell(f, "mtype -i $F@@" + places.get(5).base + " ::page").expectSuccess().text());
        for (int number : new int[] {5, 6}) {
            Place place = places.get(number);
            int base = (int) place.base;
            System.arraycopy(before, base, after, base, (int) place.length);
        }
        assertEquals(-1, Arrays.mismatch(before, after), "a byte outside of both has changed");
        remove(path);
    }

    @Test
    void shouldEndWherePartitionEnds() throws Exception {
        requires("sfdisk");
        String path = imageWithTable("end", DOS);
        byte[] before = bytesOf(path);
        Place place = placesBySfdisk(path).get(5);
        var f = Map.of("P", path + "-part5");
        var result = shell(f, "dd if=/dev/zero of=$P bs=100000 conv=notrunc");
        assertEquals(1, result.exitCode(), result.errors());
        assertTrue(result.errors().contains("No space left on device"), result.errors());
        assertTrue(result.errors().contains(place.length + " bytes"), result.errors());
        Arrays.fill(before, (int) place.base, (int) (place.base + place.length), (byte) 0);
        assertArrayEquals(before, bytesOf(path));
        remove(path);
    }

    @Test
    void shouldReadCopyOfTableWhereFirstIsDamaged() throws Exception {
        requires("sfdisk");
        String path = imageWithTable("damaged", GPT);
        String zero = "dd if=/dev/zero of=$F bs=512 conv=notrunc status=none count=1 seek=";
        var f = Map.of("F", path);
        String look = "stat -c %s ${F}-part1 ${F}-part3 ${F}-part12 ${F}-part100";
        String expected = shell(f, look).expectSuccess().text();
        assertEquals("8388608\n8388608\n4194304\n1048576\n", expected);
        // the entries, and then the header
        assertEquals(expected, shell(f, zero + "2 && " + look).expectSuccess().text());
        assertEquals(expected, shell(f, zero + "1 && " + look).expectSuccess().text());
        shell(f, zero + (64 * MIB / SECTOR - 1)).expectSuccess();
        expectNone(path + "-part1");
        remove(path);
    }

    @Test
    void shouldReadTableOfLargeSectors() throws Exception {
        requires("fdisk");
        Path file = temporary.resolve("large-sectors");
        plainShell(
                        Map.of("FILE", file.toString()),
                        "truncate -s 64M $FILE && printf 'g\\n"
                                + "n\\n"
                                + "1\\n"
                                + "\\n"
                                + "+16M\\n"
                                + "n\\n"
                                + "2\\n"
                                + "\\n"
                                + "+8M\\n"
                                + "w\\n"
                                + "' | fdisk -b 4096 $FILE")
                .expectSuccess();
        String starts =
                plainShell(
                                Map.of("FILE", file.toString()),
                                "fdisk -b 4096 -l -o Start $FILE | tail -n 2")
                        .expectSuccess()
                        .text();
        long[] bases =
                starts.lines().mapToLong(line -> Long.parseLong(line.trim()) * 4096).toArray();
        byte[] bytes = Files.readAllBytes(file);
        bytes[(int) bases[0]] = 'a';
        bytes[(int) bases[1]] = 'b';
        Files.write(file, bytes);
        String path = image("large-sectors", 64 * MIB);
        fill(path, file);
        assertEquals(
                "16777216\n8388608\nab",
                shell(
                                Map.of("F", path),
                                "stat -c %s ${F}-part1 ${F}-part2"
                                        + " && head -c 1 ${F}-part1 && head -c 1 ${F}-part2")
                        .expectSuccess()
                        .text());
        remove(path);
    }

    @Test
    void shouldFindNoPartitionWhereThereIsNone() throws Exception {
        requires("sfdisk", "mkfs.vfat");
        String path = imageWithTable("none", DOS);
        for (String suffix :
                new String[] {
                    "-part0",
                    "-part01",
                    "-part+1",
                    "-part",
                    "-part1x",
                    "-part257",
                    "-part9",
                    "-part4294967297",
                    "-part1-part1",
                    "-Part1"
                }) {
            expectNone(path + suffix);
        }
        // a file system's boot sector ends like a table
        shell(Map.of("F", path), "mkfs.vfat -I $F").expectSuccess();
        expectNone(path + "-part1");
        expectNone(path + "-part2");
        remove(path);
    }

    @ParameterizedTest
    @ValueSource(strings = {DOS, "label: gpt\\ntable-length: 16\\n,1M\\n,2M\\n,\\n"})
    void shouldSurviveDamagedTables(String script) throws Exception {
        requires("sfdisk");
        Path file = temporary.resolve("mutated");
        plainShell(
                        Map.of("FILE", file.toString()),
                        "rm -f $FILE; truncate -s 64M $FILE; printf '"
                                + script
                                + "' | sfdisk -q $FILE")
                .expectSuccess();
        plainShell(
                        Map.of("FILE", file.toString()),
                        NativeProgram.FOLDER.resolve("partition_check") + " mutate $FILE 100000 1")
                .expectSuccess();
    }

    private String imageWithTable(String name, String script) throws Exception {
        String path = image("part-" + name, 64 * MIB);
        fill(path, randomFile("part-" + name, 64 * MIB, 5));
        shell(
                        Map.of("F", path),
                        "dd if=/dev/zero of=$F bs=1M count=1 conv=notrunc status=none;"
                                + " printf '"
                                + script
                                + "' | sfdisk -q --wipe never --wipe-partitions never $F"
                                + " && sfdisk -V -q $F")
                .expectSuccess();
        return path;
    }

    /** Read by sfdisk from a copy of the image, without the library. */
    private Map<Integer, Place> placesBySfdisk(String path) throws Exception {
        Path copy = temporary.resolve("table-copy-");
        Files.write(copy, bytesOf(path));
        String json =
                plainShell(Map.of("FILE", copy.toString()), "sfdisk --json $FILE")
                        .expectSuccess()
                        .text();
        Map<Integer, Place> places = new TreeMap<>();
        var matcher = PARTITION.matcher(json);
        while (matcher.find()) {
            boolean isExtended = matcher.group(4).equals("f");
            long length = Long.parseLong(matcher.group(3)) * SECTOR;
            places.put(
                    Integer.parseInt(matcher.group(1)),
                    new Place(
                            Long.parseLong(matcher.group(2)) * SECTOR,
                            isExtended ? EXTENDED_LENGTH : length));
        }
        return places;
    }

    private void expectNone(String part) throws Exception {
        var result = shell(Map.of("P", part), "head -c 1 $P > /dev/null; stat $P > /dev/null");
        assertTrue(result.exitCode() != 0, part);
        assertEquals(2, result.errors().lines().count(), result.errors());
        assertTrue(
                result.errors().lines().allMatch(line -> line.contains("No such file")),
                result.errors());
    }

    private static byte[] slice(byte[] bytes, Place place) {
        return Arrays.copyOfRange(bytes, (int) place.base, (int) (place.base + place.length));
    }
}
