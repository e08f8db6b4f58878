import { defineSettings } from '#libs/config'
import { z } from 'zod'

/** The folder is taken from the working directory. */
export const promptsSettings = defineSettings(z.object({ PROMPTS_DIR: z.string().min(1).default('prompts') }), {
  name: 'prompts',
  make: (env) => ({ folder: env.PROMPTS_DIR }),
})

export type PromptsSettings = ReturnType<typeof promptsSettings.parse>
