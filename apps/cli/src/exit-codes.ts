/** Beside 0 (done), 1 (failed, or wrongly asked) and 78 (wrong settings). */
export const EXIT_NOT_FOUND = 4
/** At least one of the tasks that were named is not in a state for what was asked; the others were done. */
export const EXIT_REFUSED = 5
