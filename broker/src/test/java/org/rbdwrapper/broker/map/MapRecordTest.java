package org.rbdwrapper.broker.map;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.rbdwrapper.broker.store.ImageRef;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.zip.CRC32C;

class MapRecordTest {
    @Test
    void shouldReadBackEveryField() throws IOException {
        for (int id = 0; id < 5; id++) {
            MapRecord record = MapRecord.mapped(JournalFixture.mapping(id));
            assertEquals(record, MapRecord.decode(record.encode(id), id));
        }
        assertEquals(MapRecord.unmapped(7), MapRecord.decode(MapRecord.unmapped(7).encode(1), 1));
        assertEquals(MapRecord.begin(3), MapRecord.decode(MapRecord.begin(3).encode(0), 0));
    }

    /** As a broker before there were any wrote them: the name has to do. */
    @Test
    void shouldReadARecordWithoutAnIdentity() throws IOException {
        Mapping whole = JournalFixture.mapping(1);
        int identity =
                Short.BYTES + whole.image().imageId().length() + Long.BYTES; // at the record's end
        byte[] record = MapRecord.mapped(whole).encode(4);
        byte[] without = Arrays.copyOf(record, record.length - identity);
        MapRecord read = MapRecord.decode(withChecksum(without), 4);
        assertEquals(ImageRef.named(whole.spec()), read.mapping().image());
        assertEquals(whole.options(), read.mapping().options());
    }

    private static byte[] withChecksum(byte[] record) {
        CRC32C checksum = new CRC32C();
        checksum.update(record, 0, 4);
        checksum.update(record, 8, record.length - 8);
        ByteBuffer.wrap(record).putInt(4, (int) checksum.getValue());
        return record;
    }

    @Test
    void shouldRefuseARecordWithAnyBitFlipped() {
        byte[] record = MapRecord.mapped(JournalFixture.mapping(1)).encode(4);
        for (int bit = 0; bit < record.length * 8; bit++) {
            byte[] flipped = record.clone();
            flipped[bit / 8] ^= (byte) (1 << bit % 8);
            assertThrows(IOException.class, () -> MapRecord.decode(flipped, 4));
        }
    }

    @Test
    void shouldRefuseARecordCutAnywhere() {
        byte[] record = MapRecord.mapped(JournalFixture.mapping(1)).encode(4);
        for (int length = 0; length < record.length; length++) {
            byte[] cut = Arrays.copyOf(record, length);
            assertThrows(IOException.class, () -> MapRecord.decode(cut, 4));
        }
    }

    @Test
    void shouldRefuseARecordOutOfSequence() {
        byte[] record = MapRecord.unmapped(1).encode(4);
        IOException refused = assertThrows(IOException.class, () -> MapRecord.decode(record, 3));
        assertTrue(refused.getMessage().contains("record 4 in the place of record 3"));
    }
}
