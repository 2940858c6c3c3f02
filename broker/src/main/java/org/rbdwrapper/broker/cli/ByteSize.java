package org.rbdwrapper.broker.cli;

/** Amounts of memory as a person writes them, and as {@code rbdwrapper-adm} takes sizes. */
final class ByteSize {
    private static final String UNITS = "BKMGT";
    private static final long LEAST = 1 << 20;

    private ByteSize() {}

    /**
     * A number and B, K, M, G or T, each 1024 of the one before; without a letter M.
     *
     * @return bytes.
     * @throws IllegalArgumentException for anything else, and for less than a MiB.
     */
    static long parse(String text) {
        if (!text.matches("[1-9][0-9]{0,15}[BKMGT]?")) {
            throw new IllegalArgumentException("'" + text + "' is no size such as 512M or 2G");
        }
        int unit = UNITS.indexOf(text.charAt(text.length() - 1));
        long number = Long.parseLong(unit < 0 ? text : text.substring(0, text.length() - 1));
        int shift = 10 * (unit < 0 ? UNITS.indexOf('M') : unit);
        if (number > Long.MAX_VALUE >> shift || number << shift < LEAST) {
            throw new IllegalArgumentException("'" + text + "' is not from 1M to 8388607T");
        }
        return number << shift;
    }
}
