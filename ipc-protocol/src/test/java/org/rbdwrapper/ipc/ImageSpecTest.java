package org.rbdwrapper.ipc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;

final class ImageSpecTest {
    @Test
    void shouldReadWhatCephReads() {
        assertEquals(new ImageSpec("rbd", "", "img", ""), ImageSpec.parse("img"));
        assertEquals(new ImageSpec("p", "", "img", ""), ImageSpec.parse("p/img"));
        assertEquals(new ImageSpec("p", "n", "img", ""), ImageSpec.parse("p/n/img"));
        assertEquals(new ImageSpec("p", "n", "img", "s"), ImageSpec.parse("p/n/img@s"));
        assertEquals(new ImageSpec("rbd", "", "bücher", "früh"), ImageSpec.parse("bücher@früh"));
    }

    @Test
    void shouldPrintWhatItReadsBack() {
        for (String text : new String[] {"rbd/img", "p/n/img@s", "p/a b"}) {
            assertEquals(text, ImageSpec.parse(text).toString());
        }
    }

    @Test
    void shouldRefuseInOneLine() {
        String[] wrong = {
            "",
            "/",
            "a/",
            "/a",
            "a//b/c",
            "a/b/c/d",
            "img@",
            "@s",
            "img@s@t",
            "..",
            "a/..",
            "../b",
            ".",
            "a\nb",
            "a\u0000b",
            "a\u007fb",
            "x".repeat(96),
            "ü".repeat(48),
            "p".repeat(201) + "/x"
        };
        for (String text : wrong) {
            IllegalArgumentException refused =
                    assertThrows(IllegalArgumentException.class, () -> ImageSpec.parse(text), text);
            assertFalse(refused.getMessage().contains("\n"), refused.getMessage());
        }
    }
}
