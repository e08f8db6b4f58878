/**
 * Has an answer been received for this row of `task_queue`: by an earlier attempt of the run or, where it is redriven, in one of the runs
 * that it may start from (`answers_from`; nobody else's rows are looked at for that)?
 */
export const makeHasAnswer = (row: string) => `
  (${row}.sends > 0 OR ${row}.answers_from < ${row}.run) AND (
    SELECT true FROM answer a WHERE a.accepted_on = ${row}.accepted_on AND a.task_number = ${row}.id AND a.run >= ${row}.answers_from LIMIT 1
  )`
