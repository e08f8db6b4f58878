import { z } from 'zod'
import { defineSettings, envInteger } from '#libs/config'

const MIN_TOKEN_CHARS = 16

export interface AdminHttpSettings {
  readonly host: string
  /** undefined: there is no admin port. */
  readonly port: number | undefined
  /** undefined: nobody gets in. */
  readonly token: string | undefined
  readonly heapToken: string | undefined
}

const token = () => z.string().min(MIN_TOKEN_CHARS, `must have at least ${MIN_TOKEN_CHARS} characters`).optional()

/** The port for operators, apart from the one that probes and scrapes reach. */
export const adminHttpSettings = defineSettings(
  z.object({
    ADMIN_HOST: z.string().optional(),
    ADMIN_PORT: envInteger({ min: 0, max: 65_535 }).optional(),
    ADMIN_TOKEN: token(),
    ADMIN_HEAP_TOKEN: token(),
    SLUICE_PROFILE: z.enum(['dev', 'staging', 'prod']).default('dev'),
  }),
  {
    name: 'admin-http',
    make: (env): AdminHttpSettings => ({
      host: env.ADMIN_HOST ?? (env.SLUICE_PROFILE === 'dev' ? '127.0.0.1' : '0.0.0.0'),
      port: env.ADMIN_PORT,
      token: env.ADMIN_TOKEN,
      heapToken: env.ADMIN_HEAP_TOKEN,
    }),
  },
)
