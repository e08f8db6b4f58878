import { availableParallelism } from 'node:os'
import { z } from 'zod'
import { defineSettings, envInteger } from '#libs/config'

const MOST_THREADS_BY_DEFAULT = 2

export const cpuSettings = defineSettings(
  z.object({
    CPU_THREADS: envInteger({ min: 1, max: 64 }).default(Math.min(MOST_THREADS_BY_DEFAULT, availableParallelism())),
    CPU_THREAD_MEMORY_MB: envInteger({ min: 16, max: 4_096 }).default(128),
  }),
  { name: 'cpu', make: (env) => ({ threads: env.CPU_THREADS, threadMemoryMb: env.CPU_THREAD_MEMORY_MB }) },
)

export type CpuSettings = ReturnType<typeof cpuSettings.parse>
