import { describe, expect, it } from 'vitest'
import { tracingSettings } from './tracing.settings.js'

const read = (env: Record<string, string>) => tracingSettings.parse(env)

describe('tracingSettings', () => {
  it('records nothing before an endpoint is named', () => {
    expect(read({}).export).toBeUndefined()
    expect(read({ OTEL_TRACES_EXPORTER: 'none', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://tempo:4318' }).export).toBeUndefined()
    expect(read({ OTEL_SDK_DISABLED: 'true', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://tempo:4318' }).export).toBeUndefined()
  })

  it.each([
    { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://tempo:4318' },
    { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://t/v1/traces' },
    { OTEL_TRACES_EXPORTER: 'otlp' },
  ])('records with %o', (env) => {
    expect(read(env).export).toEqual({
      maxQueueSize: 2_048,
      maxExportBatchSize: 512,
      scheduledDelayMillis: 5_000,
      exportTimeoutMillis: 30_000,
    })
  })

  it('makes no batch that is larger than the queue', () => {
    expect(read({ OTEL_TRACES_EXPORTER: 'otlp', OTEL_BSP_MAX_QUEUE_SIZE: '100' }).export).toMatchObject({ maxExportBatchSize: 100 })
  })

  it.each([
    [{ OTEL_TRACES_SAMPLER_ARG: '1.5' }, 'must be a number from 0 to 1 (got "1.5")'],
    [{ OTEL_TRACES_SAMPLER: 'jaeger_remote' }, 'must be one of always_on'],
    [{ OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }, 'must be http/protobuf'],
    [{ OTEL_TRACES_EXPORTER: 'zipkin' }, 'must be otlp or none'],
  ])('refuses %o', (env, problem) => {
    expect(() => read(env as Record<string, string>)).toThrow(problem)
  })
})
