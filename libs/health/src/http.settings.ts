import { z } from 'zod'
import { defineSettings, envInteger } from '#libs/config'

/** Where health and metrics are served. */
export interface HttpSettings {
  readonly host: string
  readonly port: number
}

const LOCAL_ONLY = '127.0.0.1'
const EVERYWHERE = '0.0.0.0'

/** Only this machine can reach the port of the dev profile; in the others probes and scrapes come from outside. */
export const httpSettings = defineSettings(
  z.object({
    HTTP_HOST: z.string().optional(),
    HTTP_PORT: envInteger({ min: 0, max: 65_535 }).default(8080),
    SLUICE_PROFILE: z.enum(['dev', 'staging', 'prod'], 'must be dev, staging or prod').default('dev'),
  }),
  {
    name: 'http',
    make: (env): HttpSettings => ({ host: env.HTTP_HOST ?? (env.SLUICE_PROFILE === 'dev' ? LOCAL_ONLY : EVERYWHERE), port: env.HTTP_PORT }),
  },
)
