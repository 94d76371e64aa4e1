package io.sternway.clients;

/** Something is not as it has to be; the message says what. */
final class Problem extends Exception {
    private static final long serialVersionUID = 1L;

    Problem(String message) {
        super(message);
    }

    static void unless(boolean holds, String message) throws Problem {
        if (!holds) {
            throw new Problem(message);
        }
    }
}
