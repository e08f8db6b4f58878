/**
 * How much of the model tests runs. MODEL_RUNS: sequences; MODEL_SEED: where they start; MODEL_REPLAY: a file of a failed sequence, to run
 * only that.
 */
export function readModelSettings(env: Readonly<Record<string, string | undefined>> = process.env) {
  return {
    runs: Number(env.MODEL_RUNS ?? 80),
    seed: Number(env.MODEL_SEED ?? 20_260_102),
    replay: env.MODEL_REPLAY,
  }
}
