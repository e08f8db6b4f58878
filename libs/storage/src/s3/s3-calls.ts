import type { Agent, IncomingMessage } from 'node:http'
import { SpanKind } from '@opentelemetry/api'
import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common'
import { Client } from 'minio'
import { TaskError } from '#libs/kernel'
import { GENERAL, inSpan, RPC, S3, type SpanShape } from '#libs/tracing'
import { PortPolicies, type PortPolicy } from '#libs/resilience'
import { StorageMeter } from '../storage.meter.js'
import { storageSettings, type StorageSettings } from '../storage.settings.js'
import { StorageStatus } from '../storage.status.js'
import { classifyS3Error, isCredentialsError, isStoreAway, type S3Operation, type S3Target } from './classify-s3-error.js'
import { createS3Agent } from './s3-agent.js'
import { S3Credentials } from './s3-credentials.js'
import { makeS3Transport, type S3Transport } from './s3-transport.js'

/** As S3's API names them, for spans. */
const METHODS: Readonly<Record<S3Operation, string>> = {
  stat: 'HeadObject',
  read: 'GetObject',
  write: 'PutObject',
  remove: 'DeleteObject',
  check_bucket: 'HeadBucket',
  make_bucket: 'CreateBucket',
}

/** Calls to the store: time limits, quick retries, a breaker, errors as TaskErrors, metrics. Whatever is passed in must be safe to repeat. */
@Injectable()
export class S3Calls implements OnApplicationShutdown {
  private readonly agent: Agent
  private readonly policy: PortPolicy

  constructor(
    @Inject(storageSettings.KEY) private readonly settings: StorageSettings,
    private readonly credentials: S3Credentials,
    private readonly status: StorageStatus,
    private readonly meter: StorageMeter,
    policies: PortPolicies,
  ) {
    this.agent = createS3Agent(settings)
    this.policy = policies.makePolicy({
      port: 's3',
      retry: settings.retry,
      breaker: policies.makeBreaker({ port: 's3', settings: settings.breaker, isAway: isStoreAway }),
      timeoutMs: settings.callTimeoutMs,
    })
  }

  /** `work` gets a client that lives for one try, and the number of the try, 1-based. */
  run<T>(target: S3Target, work: (client: Client, attempt: number) => Promise<T>, signal: AbortSignal): Promise<T> {
    return inSpan(
      () => this.describe(target),
      () => this.measure(target, work, signal),
    )
  }

  private async measure<T>(target: S3Target, work: (client: Client, attempt: number) => Promise<T>, signal: AbortSignal): Promise<T> {
    const stop = this.meter.start(target.operation)
    try {
      const result = await this.policy.execute(
        (attempt, limited) => this.attempt(target, (client) => work(client, attempt), limited),
        signal,
      )
      this.status.recordSuccess()
      stop('ok')
      return result
    } catch (error) {
      if (!(error instanceof TaskError)) stop('aborted')
      else {
        this.status.recordFailure(error)
        stop(error.code)
      }
      throw error
    }
  }

  onApplicationShutdown(): void {
    this.agent.destroy()
  }

  private async attempt<T>(target: S3Target, work: (client: Client) => Promise<T>, signal: AbortSignal): Promise<T> {
    const keys = this.credentials.current
    try {
      return await work(this.createClient(signal))
    } catch (error) {
      if (signal.aborted) throw error
      const classified = classifyS3Error(error, target)
      if (!isCredentialsError(error) || !this.credentials.reload(keys)) throw classified
      throw TaskError.unavailable(classified.code, classified.message, error)
    }
  }

  private describe({ operation, bucket, key }: S3Target): SpanShape {
    const method = METHODS[operation]
    return {
      name: `S3/${method}`,
      kind: SpanKind.CLIENT,
      attributes: {
        [RPC.system]: 'aws-api',
        [RPC.service]: 'S3',
        [RPC.method]: method,
        [S3.bucket]: bucket,
        ...(key !== undefined && { [S3.key]: key }),
        [GENERAL.serverAddress]: this.settings.endpoint.hostname,
      },
    }
  }

  /** One for each try: minio passes nothing of a call on to its transport, so the transport itself knows the signal. */
  private createClient(signal: AbortSignal): Client {
    const { endpoint, region } = this.settings
    const { accessKey, secretKey } = this.credentials.current
    return new Client({
      endPoint: endpoint.hostname.replace(/^\[|\]$/g, ''),
      ...(endpoint.port !== '' && { port: Number(endpoint.port) }),
      useSSL: endpoint.protocol === 'https:',
      accessKey,
      secretKey,
      region,
      transport: this.makeTransport(signal),
      retryOptions: { disableRetry: true },
    })
  }

  private makeTransport(signal: AbortSignal): S3Transport {
    const { idleTimeoutMs, totalTimeoutMs } = this.settings
    const onResponse = ({ headers }: IncomingMessage) => this.meter.sawServerTime(headers.date)
    return makeS3Transport({ agent: this.agent, idleTimeoutMs, totalTimeoutMs, onResponse }, signal)
  }
}
