package org.rbdwrapper.adm;

import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

import java.math.BigInteger;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Sizes as rbd takes them: a number and B, K, M, G, T, P or E, each 1024 of the one before; without
 * a letter, M.
 */
final class ByteSize implements ITypeConverter<Long> {
    private static final String UNITS = "BKMGTPE";
    private static final Pattern SIZE = Pattern.compile("(\\d+)([bkmgtpeBKMGTPE]?)(?:i?[bB])?");

    @Override
    public Long convert(String text) {
        Matcher matcher = SIZE.matcher(text);
        if (!matcher.matches()) {
            throw new TypeConversionException(
                    "'" + text + "' is no size: give a positive number and a unit, such as 10G");
        }
        String unit = matcher.group(2).isEmpty() ? "M" : matcher.group(2).toUpperCase(Locale.ROOT);
        BigInteger bytes = new BigInteger(matcher.group(1)).shiftLeft(10 * UNITS.indexOf(unit));
        if (bytes.signum() == 0 || bytes.bitLength() > 61) {
            throw new TypeConversionException(
                    "'" + text + "' is no size: more than 0 and less than 2E");
        }
        return bytes.longValue();
    }

    /** For people: as exact as one unit allows. */
    static String format(long bytes) {
        int unit = 0;
        double value = bytes;
        while (value >= 1024 && unit < UNITS.length() - 1) {
            value /= 1024;
            unit++;
        }
        String number =
                value == Math.rint(value)
                        ? Long.toString((long) value)
                        : String.format(Locale.ROOT, "%.1f", value);
        return number + " " + (unit == 0 ? "B" : UNITS.charAt(unit) + "iB");
    }
}
