import { defineSettings, envInteger } from '#libs/config'
import { z } from 'zod'

const MEBIBYTE = 1_048_576

export const messageSettings = defineSettings(
  z.object({
    MAX_MESSAGE_BYTES: envInteger({ min: 1_024, max: 64 * MEBIBYTE }).default(MEBIBYTE),
  }),
  { name: 'message', make: (env) => ({ maxMessageBytes: env.MAX_MESSAGE_BYTES }) },
)

export type MessageSettings = ReturnType<typeof messageSettings.parse>
