import { defineSettings } from '#libs/config'
import { z } from 'zod'

const nonEmpty = z.string().min(1)

/** Folders and files are taken from the working directory. Model names are the defaults of types that name none. */
export const taskTypesSettings = defineSettings(
  z.object({
    TASK_TYPES_DIR: nonEmpty.default('task-types'),
    TENANTS_FILE: nonEmpty.optional(),
    LLM_PROVIDER: nonEmpty.default('gigachat'),
    GIGACHAT_MODEL: nonEmpty.default('GigaChat-2'),
    OPENAI_MODEL: nonEmpty.optional(),
    S3_ANSWERS_PREFIX: nonEmpty.default('answers/'),
  }),
  {
    name: 'taskTypes',
    make: (env) => ({
      folder: env.TASK_TYPES_DIR,
      tenantsFile: env.TENANTS_FILE,
      answersPrefix: env.S3_ANSWERS_PREFIX,
      defaultProvider: env.LLM_PROVIDER,
      defaultModels: { gigachat: env.GIGACHAT_MODEL, openai: env.OPENAI_MODEL } as Readonly<Record<string, string | undefined>>,
    }),
  },
)

export type TaskTypesSettings = ReturnType<typeof taskTypesSettings.parse>
