package org.rbdwrapper.perf;

/** What a run consists of. */
enum Part {
    MEMORY,
    STORES,
    IDLE,
    PAUSE,
    WAYS,
    SCALING,
    COMMANDS;

    boolean needsCeph() {
        return this == WAYS || this == SCALING || this == COMMANDS;
    }

    /** fio is the program of it. */
    boolean needsFio() {
        return this != MEMORY && this != PAUSE && this != COMMANDS;
    }
}
