/** Stable names of OpenTelemetry's semantic conventions 1.41, as far as we use them. */
export const MESSAGING = {
  system: 'messaging.system',
  operationType: 'messaging.operation.type',
  operationName: 'messaging.operation.name',
  destinationName: 'messaging.destination.name',
  destinationPartition: 'messaging.destination.partition.id',
  consumerGroup: 'messaging.consumer.group.name',
  kafkaOffset: 'messaging.kafka.offset',
  messageId: 'messaging.message.id',
  bodySize: 'messaging.message.body.size',
} as const

export const DATABASE = {
  system: 'db.system.name',
  namespace: 'db.namespace',
  operation: 'db.operation.name',
} as const

export const HTTP = {
  method: 'http.request.method',
  status: 'http.response.status_code',
  bodySize: 'http.response.body.size',
} as const

export const RPC = { system: 'rpc.system', service: 'rpc.service', method: 'rpc.method' } as const

export const S3 = { bucket: 'aws.s3.bucket', key: 'aws.s3.key' } as const

export const GENERAL = { errorType: 'error.type', serverAddress: 'server.address', serverPort: 'server.port' } as const

/** What no convention names. */
export const SLUICE = {
  taskId: 'sluice.task.id',
  taskType: 'sluice.task.type',
  tenant: 'sluice.tenant',
  run: 'sluice.run',
  attempt: 'sluice.attempt',
  claim: 'sluice.claim',
  outcome: 'sluice.outcome',
  waitReason: 'sluice.wait.reason',
  delayMs: 'sluice.delay_ms',
  callEnd: 'sluice.call.end',
} as const
