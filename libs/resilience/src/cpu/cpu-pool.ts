/** A function of a worker file, with what it takes and gives. Both are copied between threads (structured clone). */
export interface CpuJob<I, O> {
  /** The path of the file. */
  readonly file: string
  /** The name of the function that it exports. */
  readonly name: string
  /** How long it may run; time spent waiting for a thread is not counted. */
  readonly timeoutMs: number
  /** What of the input goes to the other thread instead of being copied: nobody may use it here afterwards. */
  readonly gives?: (input: I) => readonly ArrayBuffer[]
  /** Only for the compiler: the types of the function. */
  readonly run?: (input: I) => O
}

/** A job that runs too long or needs too much memory is ended with its thread; that is an expected end of work on data nobody trusts. */
export type CpuResult<O> =
  | { readonly kind: 'done'; readonly value: O }
  | { readonly kind: 'timed_out' }
  | { readonly kind: 'out_of_memory' }

/**
 * Runs what would block the event loop on other threads.
 *
 * The memory limit of a thread holds for what JavaScript allocates step by step. One call that allocates very much at once, such as
 * JSON.parse of a huge text, takes the whole process down all the same: cap the size of what is given to a job.
 */
export abstract class CpuPool {
  /** Throws what the job throws, the signal's reason, or TaskError `shutdown` (retryable) when the pool is being closed. */
  abstract run<I, O>(job: CpuJob<I, O>, input: I, signal?: AbortSignal): Promise<CpuResult<O>>
}
