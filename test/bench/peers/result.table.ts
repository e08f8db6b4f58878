/** Where the peers keep their answers: one row a task, and no row twice. */
export const CREATE_RESULT_TABLE = `
  CREATE TABLE bench_result (
    task_id text COLLATE "C" PRIMARY KEY,
    answer text NOT NULL,
    model text NOT NULL,
    finish_reason text NOT NULL,
    prompt_tokens integer NOT NULL,
    completion_tokens integer NOT NULL,
    stored_at timestamptz NOT NULL DEFAULT now()
  )`
