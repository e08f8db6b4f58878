import { z } from 'zod'
import { defineSettings, envBoolean, envInteger, envUrl } from '#libs/config'

export const SAMPLERS = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
] as const
export type SamplerName = (typeof SAMPLERS)[number]

/** In spans, milliseconds. */
export interface SpanBatchSettings {
  readonly maxQueueSize: number
  readonly maxExportBatchSize: number
  readonly scheduledDelayMillis: number
  readonly exportTimeoutMillis: number
}

export interface TracingSettings {
  /** undefined: nothing is recorded. */
  readonly export: SpanBatchSettings | undefined
  readonly sampler: SamplerName
  /** Of the traces that start here, 0 to 1. */
  readonly ratio: number
  readonly serviceName: string
  /** Whether spans hold prompts and answers. */
  readonly capturesContent: boolean
}

const envRatio = () =>
  z.string().transform((text, context) => {
    const value = Number(text)
    if (text.trim() !== '' && value >= 0 && value <= 1) return value
    context.addIssue({ code: 'custom', message: `must be a number from 0 to 1 (got "${text}")` })
    return z.NEVER
  })

/**
 * The standard variables of OpenTelemetry (https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/). Unlike an SDK that
 * sends to localhost by default, nothing is recorded before an endpoint is named. The exporter reads its own: certificates, compression, timeout.
 */
export const tracingSettings = defineSettings(
  z.object({
    OTEL_SDK_DISABLED: envBoolean().optional(),
    OTEL_TRACES_EXPORTER: z.enum(['otlp', 'none'], 'must be otlp or none').optional(),
    OTEL_EXPORTER_OTLP_ENDPOINT: envUrl('http:', 'https:').optional(),
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: envUrl('http:', 'https:').optional(),
    OTEL_EXPORTER_OTLP_PROTOCOL: z.literal('http/protobuf', 'must be http/protobuf: other protocols are not offered').optional(),
    OTEL_SERVICE_NAME: z.string().default('sluice'),
    OTEL_TRACES_SAMPLER: z.enum(SAMPLERS, `must be one of ${SAMPLERS.join(', ')}`).default('parentbased_always_on'),
    OTEL_TRACES_SAMPLER_ARG: envRatio().default(1),
    OTEL_BSP_SCHEDULE_DELAY: envInteger({ min: 1 }).default(5_000),
    OTEL_BSP_EXPORT_TIMEOUT: envInteger({ min: 1 }).default(30_000),
    OTEL_BSP_MAX_QUEUE_SIZE: envInteger({ min: 1, max: 1_000_000 }).default(2_048),
    OTEL_BSP_MAX_EXPORT_BATCH_SIZE: envInteger({ min: 1, max: 100_000 }).default(512),
    OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT: envBoolean().default(false),
  }),
  {
    name: 'tracing',
    make: (env): TracingSettings => {
      const hasEndpoint = (env.OTEL_EXPORTER_OTLP_ENDPOINT ?? env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT) !== undefined
      const isOn =
        env.OTEL_SDK_DISABLED !== true && env.OTEL_TRACES_EXPORTER !== 'none' && (hasEndpoint || env.OTEL_TRACES_EXPORTER === 'otlp')
      return {
        export: isOn
          ? {
              maxQueueSize: env.OTEL_BSP_MAX_QUEUE_SIZE,
              maxExportBatchSize: Math.min(env.OTEL_BSP_MAX_EXPORT_BATCH_SIZE, env.OTEL_BSP_MAX_QUEUE_SIZE),
              scheduledDelayMillis: env.OTEL_BSP_SCHEDULE_DELAY,
              exportTimeoutMillis: env.OTEL_BSP_EXPORT_TIMEOUT,
            }
          : undefined,
        sampler: env.OTEL_TRACES_SAMPLER,
        ratio: env.OTEL_TRACES_SAMPLER_ARG,
        serviceName: env.OTEL_SERVICE_NAME,
        capturesContent: env.OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT,
      }
    },
  },
)
