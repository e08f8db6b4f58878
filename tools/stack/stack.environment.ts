import type { Stack } from './stack.js'

/** The worker's variables for the parts that a stack has. */
export function makeEnvironment(stack: Pick<Stack, 'addresses'>): Record<string, string> {
  const { postgres, kafka, minio, simulator } = stack.addresses
  return {
    ...(postgres && { DATABASE_URL: postgres }),
    ...(kafka && { KAFKA_BROKERS: kafka.join(',') }),
    ...(minio && { S3_ENDPOINT: minio.endpoint, S3_ACCESS_KEY: minio.accessKey, S3_SECRET_KEY: minio.secretKey, S3_REGION: 'us-east-1' }),
    ...(simulator && {
      GIGACHAT_BASE_URL: simulator.baseUrl,
      GIGACHAT_AUTH_URL: simulator.authUrl,
      GIGACHAT_CREDENTIALS: simulator.credentials,
      ...(simulator.controlUrl && { GIGACHAT_CONTROL_URL: simulator.controlUrl }),
    }),
  }
}
