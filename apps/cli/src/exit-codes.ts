/** Beside 0 (done), 1 (failed) and 78 (wrong settings). */
export const EXIT_NOT_FOUND = 4
