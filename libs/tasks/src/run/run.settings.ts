import { z } from 'zod'
import { defineSettings, envInteger } from '#libs/config'

export const runSettings = defineSettings(
  z.object({
    INLINE_ANSWER_BYTES: envInteger({ min: 0, max: 700 * 1_024 }).default(256 * 1_024),
    FILES_IN_HAND_BYTES: envInteger({ min: 1 }).default(64 * 1_024 * 1_024),
    MAX_CRASHES: envInteger({ min: 1, max: 100 }).default(3),
  }),
  {
    name: 'run',
    make: (env) => ({
      inlineAnswerBytes: env.INLINE_ANSWER_BYTES,
      filesInHandBytes: env.FILES_IN_HAND_BYTES,
      maxCrashes: env.MAX_CRASHES,
    }),
  },
)

export type RunSettings = ReturnType<typeof runSettings.parse>
