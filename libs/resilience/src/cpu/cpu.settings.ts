import { availableParallelism } from 'node:os'
import { z } from 'zod'
import { defineSettings, envInteger } from '#libs/config'

const MOST_THREADS_BY_DEFAULT = 2

/** One core is left to the event loop: threads that compete with it make everything late that they should keep from being late. */
function chooseThreads(): number {
  return Math.max(1, Math.min(MOST_THREADS_BY_DEFAULT, availableParallelism() - 1))
}

export const cpuSettings = defineSettings(
  z.object({
    CPU_THREADS: envInteger({ min: 1, max: 64 }).default(chooseThreads()),
    CPU_THREAD_MEMORY_MB: envInteger({ min: 16, max: 4_096 }).default(128),
  }),
  { name: 'cpu', make: (env) => ({ threads: env.CPU_THREADS, threadMemoryMb: env.CPU_THREAD_MEMORY_MB }) },
)

export type CpuSettings = ReturnType<typeof cpuSettings.parse>
