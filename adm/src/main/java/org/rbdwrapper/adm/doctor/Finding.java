package org.rbdwrapper.adm.doctor;

/**
 * Something that a person wants to know of a program.
 *
 * @param code one word, for scripts.
 * @param text one line.
 */
public record Finding(String code, String text) {}
